"""The loop that runs the model: jobs in, pieces of their texts out, in a thread of its own.

One turn: rows whose job was cancelled leave, waiting jobs join while there is room, and the batch goes on by
one token. Jobs come in the order of their arrival; one that needs more rows than are free waits, and those
behind it too, so that none starves. A failure of one row (a limit of its grammar) ends its job, and so does a
failure of the model over its prompt; one in a step ends the jobs in the batch, and the loop goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from ..decoding.bitmask import allocate_bitmask, apply_bitmask, fill_bitmasks
from ..decoding.errors import NoAllowedTokenError
from ..decoding.vocabulary import Vocabulary
from ..grammars.errors import ConstraintError
from .batch import Batch
from .choosing import change_logits, choose_tokens
from .deadline import TookTooLongError, run_each_within
from .errors import RequestRefusedError
from .limits import Limits
from .row import Job, Row, TokenLogprob

MOST_PROMPT_TOKENS = 8192
"""Tokens of prompts that join in one turn, so that the others do not wait long (a longer one joins alone)."""

_logger = logging.getLogger("tokentrellis.serving")


class Scheduler:
    """Runs one model. `submit` and `Job.cancel` may be called from any thread.

    distrust: is told, in the thread of the loop, of a compiled grammar that should not be used again.
    """

    def __init__(
        self,
        model: Any,
        vocabulary: Vocabulary,
        limits: Limits,
        distrust: Callable[[Any], None] = lambda compiled: None,
    ) -> None:
        self._distrust = distrust
        self._batch = Batch(model)
        self._vocabulary = vocabulary
        self._limits = limits
        self.most_rows = limits.most_rows if self._batch.holds_several else 1
        self._rows: list[Row] = []
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._bitmask = allocate_bitmask(0, vocabulary.vocab_size)

    @property
    def n_waiting(self) -> int:
        """Jobs that wait for their turn."""
        return len(self._waiting)

    @property
    def n_rows(self) -> int:
        """Texts that are being written."""
        return len(self._rows)

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive() and not self._is_stopped

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after its turn; every job that is not finished gets an error."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        self._thread.join()
        for job in [*self._waiting, *dict.fromkeys(row.job for row in self._rows)]:
            job.deliver(RequestRefusedError("the server shuts down", status=503))

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs in the queue, all of them or none.

        Raises:
            RequestRefusedError: the queue is full, or the server shuts down.
        """
        with self._changed:
            if self._is_stopped:
                raise RequestRefusedError("the server shuts down", status=503)
            if len(self._waiting) + len(jobs) > self._limits.most_waiting:
                raise RequestRefusedError(
                    "too many requests are waiting", status=429, code="queue_full", advice="try again later"
                )
            now = time.monotonic()
            for job in jobs:
                job.waits_since = now
            self._waiting.extend(jobs)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._rows or self._is_stopped):
                    self._changed.wait()
                if self._is_stopped:
                    return
            self.guarded_turn()

    def guarded_turn(self) -> None:
        """One turn of the loop; when the model fails, the jobs in the batch are told and taken out."""
        try:
            self.turn()
        except Exception:
            _logger.exception("the model failed")
            for job in dict.fromkeys(row.job for row in self._rows):
                job.deliver(_failure())
            self._rows = []
            self._batch.clear()

    def turn(self) -> None:
        """One turn of the loop."""
        self._leave()
        self._join()
        if not self._rows:
            return
        self._advance()
        self._leave()
        if self._rows:
            self._batch.step([row.last_token_id for row in self._rows])

    def _leave(self) -> None:
        kept = [
            number for number, row in enumerate(self._rows) if not (row.is_finished or row.job.is_cancelled)
        ]
        self._batch.keep(kept)
        self._rows = [self._rows[number] for number in kept]

    def _join(self) -> None:
        jobs = self._next_jobs()
        if not jobs:
            return
        newcomers = []
        for job in jobs:
            try:
                newcomers.append(self._batch.read(job.prompt_ids, job.n))
            except Exception:  # of memory, most often: the others need not suffer for it
                _logger.exception("the model failed over a prompt of %d tokens", len(job.prompt_ids))
                job.deliver(_failure())
            else:
                self._rows.extend(Row(job, index, self._vocabulary) for index in range(job.n))
        self._batch.add(newcomers)

    def _next_jobs(self) -> list[Job]:
        """Those that join now; the ones that waited too long or were cancelled are taken out."""
        jobs: list[Job] = []
        n_free = self.most_rows - len(self._rows)
        n_tokens = 0
        oldest = time.monotonic() - self._limits.wait_seconds
        with self._changed:
            while self._waiting:
                job = self._waiting[0]
                if job.is_cancelled:
                    self._waiting.popleft()
                    continue
                if job.waits_since < oldest:
                    self._waiting.popleft()
                    job.deliver(
                        RequestRefusedError(
                            f"the server was busy for {self._limits.wait_seconds:g} seconds",
                            status=503,
                            code="overloaded",
                            advice="try again later",
                        )
                    )
                    continue
                n_tokens += len(job.prompt_ids)
                if job.n > n_free or (jobs and n_tokens > MOST_PROMPT_TOKENS):
                    break
                n_free -= job.n
                jobs.append(self._waiting.popleft())
        return jobs

    def _advance(self) -> None:
        """Choose a token for each row and hand out what it adds."""
        raw = self._batch.logits
        logits = raw.clone()
        for number, row in enumerate(self._rows):
            change_logits(logits[number], row.job.choosing, row.written)
        failed = self._mask(logits)
        choosings = [row.choosing for row in self._rows]
        chosen = choose_tokens(
            logits,
            choosings,
            [
                row.uniform() if choosing.draws else 0.0
                for row, choosing in zip(self._rows, choosings, strict=True)
            ],
        )
        for number, (row, token_id) in enumerate(zip(self._rows, chosen, strict=True)):
            error = failed.get(number)
            if error is None and token_id is None:
                error = NoAllowedTokenError([number], message="the model gives no token any probability")
            if error is None and token_id is not None:
                error = self._accept(row, token_id, raw[number])
            if error is not None and not row.job.is_cancelled:
                row.job.cancel()
                row.job.deliver(error)

    def _accept(self, row: Row, token_id: int, raw: torch.Tensor) -> ConstraintError | None:
        if row.job.is_cancelled:
            return None
        n_top = row.job.n_top_logprobs
        try:
            piece = row.accept(token_id, None if n_top is None else _logprob(raw, token_id, n_top))
        except ConstraintError as error:
            return error
        row.job.deliver(piece)
        return None

    def _mask(self, logits: torch.Tensor) -> dict[int, ConstraintError]:
        """Forbid what the grammars forbid, in place; the errors of rows that have no mask."""
        numbers = [number for number, row in enumerate(self._rows) if row.matcher is not None]
        if not numbers:
            return {}
        if len(self._bitmask) < len(self._rows):
            self._bitmask = allocate_bitmask(len(self._rows), self._vocabulary.vocab_size)
        fills = [partial(self._fill, number) for number in numbers]
        # A state of a grammar may have very many successors, which are found out while all rows wait.
        found = run_each_within(self._limits.mask_seconds, "seconds for one mask of the grammar", fills)
        failed = {numbers[place]: error for place, error in found.items()}
        for number, error in list(failed.items()):
            if isinstance(error, TookTooLongError):  # its grammar may be half made now, for all who share it
                compiled = self._rows[number].job.compiled
                self._distrust(compiled)
                sharing = (n for n in numbers if self._rows[n].job.compiled is compiled)
                failed.update(dict.fromkeys(sharing, error))
        apply_bitmask(logits, self._bitmask, [number for number in numbers if number not in failed])
        return failed

    def _fill(self, number: int) -> None:
        row = self._rows[number]
        fill_bitmasks([row.matcher], self._bitmask, rows=[number], budgets=[row.budget])


def _failure() -> RequestRefusedError:
    return RequestRefusedError("the model failed; the log of the server says more", status=500)


def _logprob(raw: torch.Tensor, token_id: int, n_top: int) -> TokenLogprob:
    log_probs = torch.log_softmax(raw, dim=-1)
    top = log_probs.topk(min(n_top, len(log_probs)))
    alternatives = tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True))
    return TokenLogprob(token_id, float(log_probs[token_id]), alternatives)
