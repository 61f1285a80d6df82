"""One engine writes for one task with a model: a task in, an `Outcome` with text, times and scores out.

`Writer` is what a worker process runs (`isolation.py`): it loads the model when it is first called, and
answers with plain data. Times are of the wall clock:

- compile time: from the schema to the engine's compiled grammar;
- time to the first token (TTFT): from the call of `generate()` to the first chosen token, compile time not
  counted; it has the forward pass over the prompt and the first mask in it;
- time per output token (TPOT): from the first chosen token to the last, by the tokens after the first.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..decoding.errors import BudgetTooSmallError
from ..grammars.errors import ConstraintError
from ..grammars.json_schema.layout import Whitespace
from ..models import LoadedModel, load_model
from . import scoring
from .constraints import verify
from .contenders import Contender, MakeProcessors, NotForThisTaskError
from .maskbench.engines import EngineError
from .tasks import Task

if TYPE_CHECKING:
    import torch

WRITTEN, CUT_OFF, REFUSED, FAILED, SKIPPED = "written", "cut off", "refused", "failed", "nothing to do"
WARM_UP = Task("warm-up", "", text="Ann is 4.", schema={"enum": ["a", "b"]})


@dataclass
class Outcome:
    """What came of one task with one engine; times in milliseconds, None where there is none.

    status: WRITTEN (it ended by itself), CUT_OFF (by the limit of tokens), REFUSED (the engine said no before
    the first token), FAILED (while it wrote), SKIPPED, or how the process ended (`isolation.py`).
    field_accuracy, beginning: scores from 0 to 1, of `scoring.py`; None where nothing is expected.
    """

    engine: str
    task: str
    group: str
    status: str
    reason: str = ""
    text: str = ""
    has_schema: bool = False
    n_tokens: int = 0
    compile_ms: float | None = None
    first_token_ms: float | None = None
    token_ms: float | None = None
    is_valid: bool | None = None
    is_right: bool | None = None
    field_accuracy: float | None = None
    beginning: float | None = None
    constraints: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_declared(self) -> bool:
        """Whether the engine took the task on."""
        return self.status in (WRITTEN, CUT_OFF, FAILED)


@dataclass(frozen=True)
class Setting:
    """What all tasks of a run share. whitespace: the layout of tokentrellis."""

    model: str | None
    tokenizer: str | None
    max_new_tokens: int
    whitespace: Whitespace


class Writer:
    """Called with a task as JSON has it, gives an outcome as JSON has it; called with None, gets ready."""

    def __init__(self, engine: str, setting: Setting) -> None:
        self.engine = engine
        self._setting = setting
        self._loaded: LoadedModel | None = None

    def __call__(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if self._loaded is None:
            self._loaded = load_model(self._setting.model, self._setting.tokenizer)
            self._judge = scoring.make_judge()
            model, tokenizer = self._loaded.model, self._loaded.tokenizer
            self._contender = Contender(self.engine, model, tokenizer, self._setting.whitespace)
            self._answer(WARM_UP)
        return None if given is None else asdict(self._answer(Task(**given)))

    def _answer(self, task: Task) -> Outcome:
        outcome = Outcome(self.engine, task.name, task.group, WRITTEN, has_schema=task.schema is not None)
        try:
            started = time.perf_counter()
            make = self._contender.prepare(task, self._setting.max_new_tokens)
            outcome.compile_ms = 1000 * (time.perf_counter() - started)
        except NotForThisTaskError:
            outcome.status = SKIPPED
            return outcome
        except (EngineError, ConstraintError) as error:
            outcome.status, outcome.reason = REFUSED, str(error)
            return outcome
        try:
            self._write(task, make, outcome)
        except BudgetTooSmallError as error:
            outcome.status, outcome.reason = REFUSED, str(error)
        except (EngineError, ConstraintError) as error:
            outcome.status, outcome.reason = FAILED, str(error)
        self._score(task, outcome)
        return outcome

    def _write(self, task: Task, make: MakeProcessors, outcome: Outcome) -> None:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        loaded = self._loaded
        assert loaded is not None
        prompt = task.prompt or loaded.prompt(task.text, task.schema)
        inputs = loaded.tokenizer(prompt, return_tensors="pt")
        input_ids = inputs["input_ids"].to(loaded.model.device)
        eos = list(self._contender.eos_token_ids)
        configuration = GenerationConfig(
            max_new_tokens=self._setting.max_new_tokens,
            do_sample=False,
            num_beams=1,
            eos_token_id=eos,
            pad_token_id=eos[0],
        )
        clock = _Clock()
        with torch.no_grad():
            processors = LogitsProcessorList(make())
            started = time.perf_counter()
            sequences = loaded.model.generate(
                input_ids,
                attention_mask=torch.ones_like(input_ids),
                generation_config=configuration,
                logits_processor=processors,
                stopping_criteria=StoppingCriteriaList([clock]),
            )
        token_ids = sequences[0, input_ids.shape[1] :].tolist()
        outcome.n_tokens = len(token_ids)
        outcome.status = WRITTEN if token_ids and token_ids[-1] in eos else CUT_OFF
        outcome.text = self._contender.decode(token_ids)
        outcome.first_token_ms = 1000 * (clock.times[0] - started)
        if len(clock.times) > 1:
            outcome.token_ms = 1000 * (clock.times[-1] - clock.times[0]) / (len(clock.times) - 1)

    def _score(self, task: Task, outcome: Outcome) -> None:
        if not outcome.is_declared:
            return
        if task.schema is not None:
            outcome.is_valid = outcome.status == WRITTEN and self._judge(task.schema, outcome.text)
        if task.has_expected:
            found = scoring.parse(outcome.text) if task.schema is not None else outcome.text.strip()
            outcome.field_accuracy = scoring.field_accuracy(task.expected, found)
            outcome.is_right = outcome.field_accuracy == 1
            outcome.beginning = scoring.right_beginning(task.expected, found)
        outcome.constraints = verify(task.constraints, outcome.text)


class _Clock:
    """A stopping criterion that stops nothing and notes when each token was chosen."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: Any, **options: Any) -> torch.Tensor:
        import torch

        if input_ids.is_cuda:
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
