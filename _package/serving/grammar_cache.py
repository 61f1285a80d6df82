"""Compiled grammars by constraint, each made once: bounded in number, in size and in time.

A few threads compile; requests with the same constraint wait for the same compilation. The grammar that was
used longest ago is dropped when there are too many. A grammar learns while it is used, so one that has learnt
`MOST_LEARNT_STATES` is made anew; and what reading grammars left behind is forgotten once in a while.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakSet

from ..constraint import COMPILED_UNTIL_FORGOTTEN, MOST_LEARNT_STATES, Constraint
from ..decoding.compile import CompiledGrammar, compile_grammar
from ..decoding.vocabulary import Vocabulary
from ..grammars.errors import LimitExceededError
from ..grammars.remembered import forget_results
from .deadline import run_within
from .errors import RequestRefusedError
from .limits import Limits

N_THREADS = 2


class GrammarCache:
    """For one vocabulary; called from one event loop."""

    def __init__(self, vocabulary: Vocabulary, limits: Limits) -> None:
        self._vocabulary = vocabulary
        self._limits = limits
        self._known: OrderedDict[str, CompiledGrammar] = OrderedDict()
        self._pending: dict[str, asyncio.Task[CompiledGrammar]] = {}
        self._threads = ThreadPoolExecutor(N_THREADS, thread_name_prefix="compile")
        self._distrusted: WeakSet[CompiledGrammar] = WeakSet()
        self.n_compiled = 0

    def __len__(self) -> int:
        return len(self._known)

    async def get(self, constraint: Constraint) -> CompiledGrammar:
        """The compiled grammar.

        Raises:
            LimitExceededError: it is too large, or took too long. RequestRefusedError: too many are waiting.
            GrammarError, VocabularyError: see `Constraint.grammar` and `compile_grammar`.
        """
        key = await asyncio.to_thread(constraint.key)  # of a large schema it takes a second
        if len(key) > self._limits.most_grammar_characters:
            raise LimitExceededError(
                "the characters of a schema or grammar",
                given=len(key),
                limit=self._limits.most_grammar_characters,
            )
        known = self._known.get(key)
        is_usable = known is not None and known not in self._distrusted
        if known is not None and is_usable and known.n_states <= MOST_LEARNT_STATES:
            self._known.move_to_end(key)
            return known
        task = self._pending.get(key)
        if task is None:
            if len(self._pending) >= self._limits.most_waiting:
                raise RequestRefusedError(
                    "too many new schemas at the same time", status=429, code="queue_full", advice="try again"
                )
            task = asyncio.ensure_future(self._compile(key, constraint))
            self._pending[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)  # one client that leaves must not end it for the others

    def distrust(self, compiled: CompiledGrammar) -> None:
        """Give this one to nobody any more: it may be half made. From any thread."""
        self._distrusted.add(compiled)

    def close(self) -> None:
        """Start no more compilations."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _compile(self, key: str, constraint: Constraint) -> CompiledGrammar:
        def compile() -> CompiledGrammar:
            compiled = compile_grammar(constraint.grammar(), self._vocabulary)
            # Every request asks for it, in the thread of the event loop; it may take long, and is kept.
            _ = compiled.matcher().tokens_to_finish
            return compiled

        def work() -> CompiledGrammar:
            what = "seconds to compile a schema or grammar"
            return run_within(self._limits.compile_seconds, what, compile)

        compiled = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        self.n_compiled += 1
        if self.n_compiled % COMPILED_UNTIL_FORGOTTEN == 0:
            forget_results()
        self._known[key] = compiled
        self._known.move_to_end(key)
        while len(self._known) > self._limits.most_grammars:
            self._known.popitem(last=False)
        return compiled

    def _finish(self, key: str, task: asyncio.Task[CompiledGrammar]) -> None:
        del self._pending[key]
        if not task.cancelled():
            task.exception()  # seen, even when nobody waits any more
