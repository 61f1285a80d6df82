"""The loop over the model, turn by turn: who joins, who leaves, whose failure is whose."""

from __future__ import annotations

import random
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.grammars.errors import ConstraintError, LimitExceededError
from tokentrellis.serving import scheduler as module
from tokentrellis.serving.choosing import Choosing
from tokentrellis.serving.errors import RequestRefusedError, error_body
from tokentrellis.serving.limits import Limits
from tokentrellis.serving.row import Event, Job, Piece
from tokentrellis.serving.scheduler import Scheduler

from tests.tiny_models import tiny_model, tiny_tokenizer

MODEL = tiny_model()
TOKENIZER = tiny_tokenizer()
VOCABULARY = read_vocabulary(MODEL, TOKENIZER)
GREEDY = Choosing(temperature=0.0)
SCHEMAS: list[Any] = [
    {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}, "required": ["name"]},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 4},
    {"enum": ["red", "green", {"blue": None}]},
    {"type": "number"},
]
COMPILED = [tt.compile_grammar(tt.from_json_schema(schema), VOCABULARY) for schema in SCHEMAS]


class Recorded(Job):
    """A job that keeps its events."""

    def __init__(self, prompt: str, max_tokens: int, **options: Any) -> None:
        self.events: list[Event] = []
        options = {"choosing": GREEDY, **options}
        super().__init__(TOKENIZER(prompt)["input_ids"], max_tokens, self.events.append, **options)

    @property
    def pieces(self) -> list[Piece]:
        return [event for event in self.events if isinstance(event, Piece)]

    def text(self, index: int = 0) -> str:
        return "".join(piece.text for piece in self.pieces if piece.index == index)

    @property
    def error(self) -> ConstraintError | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, ConstraintError) else None


def make(**limits: Any) -> Scheduler:
    return Scheduler(MODEL, VOCABULARY, Limits(**limits))


def run(scheduler: Scheduler) -> None:
    for _ in range(2000):
        if not (scheduler.n_rows or scheduler.n_waiting):
            return
        scheduler.turn()
    raise AssertionError("the loop does not come to an end")


def test_texts_are_those_of_generate() -> None:
    """Twenty jobs come and go at random, three rows at a time: each is as `generate()` writes it alone."""
    chance = random.Random(1)
    scheduler = make(most_rows=3)
    prompts = ["Ann", '{"name": "Bo', "red, blue and", "41 years"]
    jobs = []
    for _ in range(20):
        number = chance.randrange(4)
        job = Recorded(chance.choice(prompts), 30, compiled=COMPILED[number])
        jobs.append((number, job))
        scheduler.submit([job])
        for _ in range(chance.randrange(12)):
            scheduler.turn()
            assert scheduler.n_rows <= 3
    run(scheduler)
    for number, job in jobs:
        prompt = TOKENIZER.decode(job.prompt_ids)
        result = tt.generate(MODEL, TOKENIZER, prompt, grammar=COMPILED[number], max_new_tokens=30)
        assert (job.text(), sum(piece.n_tokens for piece in job.pieces)) == (
            result.text,
            len(result.token_ids),
        )
        assert job.pieces[-1].finish_reason == "stop"


def test_every_text_is_complete_within_any_budget() -> None:
    scheduler = make()
    jobs = []
    for number, compiled in enumerate(COMPILED):
        needed = compiled.matcher().tokens_to_finish
        for budget in range(needed, needed + 6):
            options = {"choosing": Choosing(temperature=1.5), "seed": budget}
            jobs.append((number, budget, Recorded("Ann", budget, compiled=compiled, n=2, **options)))
    scheduler.submit([job for _, _, job in jobs])
    run(scheduler)
    for number, budget, job in jobs:
        assert sum(piece.n_tokens for piece in job.pieces) <= 2 * budget
        for index in (0, 1):
            assert tt.from_json_schema(SCHEMAS[number]).accepts(job.text(index))


def test_a_seed_gives_the_same_text_in_any_company() -> None:
    drawn: dict[str, Any] = {"compiled": COMPILED[0], "choosing": Choosing(temperature=1.3)}
    alone = Recorded("Ann", 30, seed=7, **drawn)
    scheduler = make()
    scheduler.submit([alone])
    run(scheduler)
    first, again, both, other = (
        Recorded("Ann", 30, seed=seed, n=n, **drawn) for seed, n in ((8, 1), (7, 1), (7, 2), (9, 3))
    )
    scheduler.submit([first, again, both, other])
    run(scheduler)
    assert again.text() == both.text(0) == alone.text()
    assert len({alone.text(), both.text(1), first.text(), *(other.text(i) for i in range(3))}) >= 4


def test_cancelled_jobs_leave() -> None:
    scheduler = make(most_rows=2)
    running, waiting, third = (Recorded("Ann", 500, choosing=Choosing(biases={1: -100.0})) for _ in range(3))
    scheduler.submit([running, waiting, third])
    scheduler.turn()
    assert (scheduler.n_rows, scheduler.n_waiting) == (2, 1)
    for job in (running, third):
        job.cancel()
    scheduler.turn()
    assert (scheduler.n_rows, scheduler.n_waiting) == (1, 0)
    n_events = len(running.events)
    scheduler.turn()
    assert len(running.events) == n_events == 1
    waiting.cancel()
    scheduler.turn()
    assert scheduler.n_rows == 0


def test_jobs_come_in_their_order() -> None:
    scheduler = make(most_rows=3)
    small, large, late = Recorded("Ann", 2, n=2), Recorded("Ann", 2, n=3), Recorded("Ann", 2)
    scheduler.submit([small, large, late])
    scheduler.turn()
    assert small.events
    assert not late.events, "one that fits must not overtake one that does not"
    run(scheduler)
    assert large.pieces[-1].finish_reason is not None
    assert late.pieces[-1].finish_reason is not None


def test_the_queue_is_bounded() -> None:
    scheduler = make(most_waiting=2)
    with pytest.raises(RequestRefusedError, match="too many") as caught:
        scheduler.submit([Recorded("a", 1) for _ in range(3)])
    assert caught.value.status == 429
    assert scheduler.n_waiting == 0
    scheduler.submit([Recorded("a", 1) for _ in range(2)])


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    scheduler = make(most_rows=1, wait_seconds=5)
    job, late = Recorded("Ann", 400, choosing=Choosing(biases={1: -100.0})), Recorded("Ann", 4)
    scheduler.submit([job, late])
    scheduler.turn()
    now = 106.0
    scheduler.turn()
    assert isinstance(late.error, RequestRefusedError)
    assert late.error.status == 503
    assert job.error is None


class _Failing:
    """A matcher that meets a limit after a few tokens."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def accept_token(self, token_id: int) -> None:
        if self._matcher.n_accepted == 2:
            raise LimitExceededError("states", given="more", limit=1)
        self._matcher.accept_token(token_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._matcher, name)


def test_a_failure_of_a_row_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_bitmasks(matchers: Any, bitmask: Any, *, rows: Any, budgets: Any) -> None:
        for matcher, row, budget in zip(matchers, rows, budgets, strict=True):
            matcher.fill_bitmask(bitmask, row, budget)

    monkeypatch.setattr(module, "fill_bitmasks", fill_bitmasks)  # the core takes its own matchers only
    scheduler = make()
    failing, fine = Recorded("Ann", 30, compiled=COMPILED[0], n=2), Recorded("Ann", 30, compiled=COMPILED[0])
    scheduler.submit([failing, fine])
    scheduler.turn()
    scheduler._rows[1].matcher = _Failing(scheduler._rows[1].matcher)
    run(scheduler)
    assert isinstance(failing.error, LimitExceededError)
    assert len([event for event in failing.events if isinstance(event, ConstraintError)]) == 1
    assert fine.error is None
    assert tt.from_json_schema(SCHEMAS[0]).accepts(fine.text())


def test_a_mask_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the matchers exceeds a limit: the others get their rows."""

    def fails(*arguments: Any, **options: Any) -> None:
        raise LimitExceededError("states", given="more", limit=1)

    scheduler = make()
    bad, fine = (Recorded("Ann", 30, compiled=COMPILED[1]) for _ in range(2))
    scheduler.submit([bad, fine])
    scheduler.turn()
    scheduler._rows[0].matcher = _NoMask(scheduler._rows[0].matcher)
    real = module.fill_bitmasks
    monkeypatch.setattr(
        module,
        "fill_bitmasks",
        lambda matchers, *a, **k: (
            fails() if any(isinstance(m, _NoMask) for m in matchers) else real(matchers, *a, **k)
        ),
    )
    run(scheduler)
    assert isinstance(bad.error, LimitExceededError)
    assert tt.from_json_schema(SCHEMAS[1]).accepts(fine.text())


class _NoMask:
    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def fill_bitmask(self, bitmask: Any, row: int, budget: int) -> None:
        raise LimitExceededError("states", given="more", limit=1)


class _Slow(_NoMask):
    """A matcher whose mask does not come to an end."""

    def fill_bitmask(self, bitmask: Any, row: int, budget: int) -> None:
        while True:
            sum(range(100))


def test_a_mask_that_takes_too_long_ends_its_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on; those with the same grammar, which may be half made, do not."""

    def fill_bitmasks(matchers: Any, bitmask: Any, *, rows: Any, budgets: Any) -> None:
        for matcher, row, budget in zip(matchers, rows, budgets, strict=True):
            matcher.fill_bitmask(bitmask, row, budget)

    monkeypatch.setattr(module, "fill_bitmasks", fill_bitmasks)
    distrusted: list[Any] = []
    scheduler = Scheduler(MODEL, VOCABULARY, Limits(mask_seconds=0.05), distrusted.append)
    kinds = [COMPILED[0], COMPILED[1], COMPILED[0], None]
    jobs = [Recorded("Ann", 30, compiled=compiled) for compiled in kinds]
    scheduler.submit(jobs)
    scheduler.turn()
    scheduler._rows[0].matcher = _Slow(scheduler._rows[0].matcher)
    run(scheduler)
    for job in (jobs[0], jobs[2]):
        assert isinstance(job.error, LimitExceededError)
        assert "seconds for one mask" in str(job.error)
        assert error_body(job.error)["error"]["code"] == "limit_exceeded"
    assert tt.from_json_schema(SCHEMAS[1]).accepts(jobs[1].text())
    assert jobs[3].error is None
    assert distrusted == [COMPILED[0]]


def test_a_model_that_fails_ends_its_jobs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = make()
    hit, later = Recorded("Ann", 30), Recorded("Ann", 3)

    def fail(token_ids: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(scheduler._batch, "step", fail)
    scheduler.submit([hit])
    scheduler.guarded_turn()
    assert isinstance(hit.error, RequestRefusedError)
    assert hit.error.status == 500
    monkeypatch.undo()
    scheduler.submit([later])
    run(scheduler)
    assert later.error is None


def test_a_prompt_that_the_model_fails_on_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who are in, and those who join in the same turn, go on."""
    scheduler = make()
    first, bad, last = (
        Recorded(text, 9, compiled=COMPILED[2]) for text in ("Ann", "41 years, 42 years", "Bo")
    )
    run_model = scheduler._batch._run

    def fail(tokens: Any, *arguments: Any) -> Any:
        if tokens.shape[1] == len(bad.prompt_ids):
            raise MemoryError
        return run_model(tokens, *arguments)

    scheduler.submit([first])
    scheduler.turn()
    monkeypatch.setattr(scheduler._batch, "_run", fail)
    scheduler.submit([bad, last])
    scheduler.guarded_turn()
    run(scheduler)
    assert isinstance(bad.error, RequestRefusedError)
    assert bad.error.status == 500
    for job in (first, last):
        assert tt.from_json_schema(SCHEMAS[2]).accepts(job.text())


def test_stop_strings_and_the_budget_end_free_texts() -> None:
    scheduler = make()
    free = Recorded("Ann", 12, choosing=Choosing(temperature=0.0, biases={1: -100.0}))
    scheduler.submit([free])
    run(scheduler)
    assert (len(free.pieces), free.pieces[-1].finish_reason) == (12, "length")
    stop = free.text()[3:5]
    stopped = Recorded("Ann", 12, choosing=free.choosing, stop_strings=(stop,))
    scheduler.submit([stopped])
    run(scheduler)
    assert stopped.pieces[-1].finish_reason == "stop"
    assert stopped.text() == free.text()[: free.text().index(stop)]


def test_log_probabilities_are_the_models_own() -> None:
    scheduler = make()
    job = Recorded("Ann", 30, compiled=COMPILED[0], n_top_logprobs=3)
    scheduler.submit([job])
    run(scheduler)
    result = tt.generate(MODEL, TOKENIZER, "Ann", grammar=COMPILED[0], max_new_tokens=30)
    logprobs = [item for piece in job.pieces for item in piece.logprobs]
    assert [item.token_id for item in logprobs] == result.token_ids[:-1]
    assert all(len(item.alternatives) == 3 for item in logprobs)
    assert all(item.alternatives[0][1] >= item.logprob for item in logprobs)
    text = Recorded("Ann", 30, compiled=COMPILED[0])
    scheduler.submit([text])
    run(scheduler)
    assert not any(piece.logprobs for piece in text.pieces)


def test_stopping_tells_everybody() -> None:
    scheduler = make(most_rows=1)
    jobs = [Recorded("Ann", 500, choosing=Choosing(biases={1: -100.0})) for _ in range(2)]
    scheduler.submit(jobs)
    scheduler.start()
    scheduler.stop()
    assert all(isinstance(job.error, RequestRefusedError) and job.error.status == 503 for job in jobs)
    with pytest.raises(RequestRefusedError):
        scheduler.submit([Recorded("Ann", 3)])
