"""What serves: one model with its vocabulary, grammars, prompts and scheduler; a checked request in, jobs
out.

Before a job is put in the queue it is known that it can be finished: the shortest text of its grammar fits
into `max_tokens`, and both into the model's context. What does not fit is refused then, with both numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ..constraint import Constraint
from ..decoding.compile import CompiledGrammar, compile_grammar
from ..decoding.errors import BudgetTooSmallError
from ..decoding.generation_options import context_left
from ..grammars.errors import ConstraintError
from ..grammars.json_schema.layout import Whitespace
from ..models import LoadedModel
from .choosing import Choosing
from .constraint import constraint_of
from .errors import RequestRefusedError, blamed_on
from .grammar_cache import GrammarCache
from .limits import Limits
from .prompts import PromptWriter
from .protocol import ChatRequest, CompletionRequest, Message, WritingRequest
from .row import Event, Job
from .scheduler import Scheduler
from .tools import ToolConstraint, tool_constraint, tools_of_model

_SECONDS_TO_START = 600.0
_FIRST_GRAMMARS: list[tuple[str, Any]] = [
    ("json_schema", {"type": "object"}),
    ("json_schema", {"$ref": "https://json-schema.org/draft/2020-12/schema"}),
    ("regex", "a+"),
    ("choice", ["a"]),
    ("gbnf", 'root ::= "a"'),
    ("ebnf", "a = 'a';"),
    ("lark", 'start: "a"'),
]

SPARE_TOKENS = 512
"""Without `max_tokens` a text with a grammar may have so many more than the shortest one."""
COMPLETION_TOKENS = 16
"""Without `max_tokens` a completion without a grammar has so many, as the protocol says."""


class Engine:
    """Serves one model under one name.

    loaded: see `models.load_model`. name: what requests call it. whitespace: the layout of JSON; None:
    compact for the embedded model, which learnt that, else natural. is_embedded: it is the package's own.

    Raises:
        UnsupportedModelError: the model is no decoder alone. VocabularyError: its tokenizer cannot be read.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        name: str,
        is_embedded: bool = False,
        limits: Limits | None = None,
        whitespace: Whitespace | None = None,
    ) -> None:
        from ..decoding.generate import read_vocabulary

        self.name = name
        self.limits = limits or Limits()
        self._model = loaded.model
        self._vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)
        names = self._vocabulary.special_names
        self._special_names = {token_id: name.encode() for token_id, name in names.items()}
        self._tools = tools_of_model(loaded.tokenizer, self._vocabulary.special_token_by_name)
        self._whitespace: Whitespace = whitespace or ("compact" if is_embedded else "natural")
        self.grammars = GrammarCache(self._vocabulary, self.limits)
        self.scheduler = Scheduler(loaded.model, self._vocabulary, self.limits, self.grammars.distrust)
        self._prompts = PromptWriter(loaded, is_embedded=is_embedded, seconds=self.limits.compile_seconds)
        self._prompt_thread = ThreadPoolExecutor(1, thread_name_prefix="prompts")
        self._warm_up()

    def _warm_up(self) -> None:
        """Compile one grammar of each kind and write a prompt: what is learnt of the vocabulary, and what is
        imported on demand, is there before the first deadline.
        """
        for kind, value in _FIRST_GRAMMARS:
            with suppress(ConstraintError):  # the vocabulary cannot spell it, or lark is not installed
                compile_grammar(Constraint(kind, value, self._whitespace).grammar(), self._vocabulary)
        with suppress(ConstraintError):
            self._prompts.chat([Message(role="user", content="x")], None, seconds=_SECONDS_TO_START)

    def start(self) -> None:
        """Start to run the model."""
        self.scheduler.start()

    def stop(self) -> None:
        """End what is running; see `Scheduler.stop`."""
        self.scheduler.stop()
        self.grammars.close()
        self._prompt_thread.shutdown(wait=False, cancel_futures=True)

    def check_name(self, name: str) -> None:
        """Raises RequestRefusedError (404) for a model that is not served here."""
        if name != self.name:
            raise RequestRefusedError(
                "there is no such model",
                status=404,
                param="model",
                code="model_not_found",
                got=name[:200],
                advice=f"ask for {self.name!r}",
            )

    def token_name(self, token_id: int) -> bytes:
        """The bytes of a token; of a special one its name."""
        if token_id in self._special_names:
            return self._special_names[token_id]
        is_known = token_id < self._vocabulary.vocab_size
        return self._vocabulary.token_bytes(token_id) if is_known else b""

    async def prepare(
        self, request: ChatRequest | CompletionRequest, deliver: Callable[[int, Event], None]
    ) -> list[Job]:
        """The jobs of a request, one for each prompt. deliver: gets the number of the job and its events.

        Raises:
            RequestRefusedError, ConstraintError: the request cannot be served as it is.
        """
        self.check_name(request.model)
        constraint = self._constraint(request)
        compiled = None
        if constraint is not None:
            with blamed_on(constraint.member):
                compiled = await self.grammars.get(constraint)
        prompts = await self._prompt_ids(request, constraint)
        if len(prompts) > self.limits.most_waiting:
            raise RequestRefusedError(
                f"must be at most {self.limits.most_waiting} prompts in one request",
                param="prompt",
                code="limit_exceeded",
                got=len(prompts),
                advice="make several requests of it",
            )
        n = request.n or 1
        if n > self.scheduler.most_rows:
            raise RequestRefusedError(f"must be at most {self.scheduler.most_rows}", param="n", got=n)
        choosing = self._choosing(request)
        # Where calls are read from a text, special tokens are part of it.
        special_names = self._special_names if isinstance(constraint, ToolConstraint) else {}
        return [
            Job(
                prompt_ids,
                self._budget(request, compiled, len(prompt_ids)),
                _numbered(deliver, number, None if constraint is None else constraint.member),
                compiled=compiled,
                n=n,
                choosing=choosing,
                seed=None if request.seed is None else request.seed + number,
                stop_strings=request.stop_strings,
                n_top_logprobs=request.n_top_logprobs,
                special_names=special_names,
            )
            for number, prompt_ids in enumerate(prompts)
        ]

    async def _prompt_ids(
        self, request: ChatRequest | CompletionRequest, constraint: Constraint | None
    ) -> list[list[int]]:
        def write() -> list[list[int]]:
            if isinstance(request, ChatRequest):
                return [self._prompts.chat(request.messages, constraint, tools=request.tools)]
            return self._prompts.completion(request.prompt)

        with blamed_on(request.text_member):
            return await asyncio.get_running_loop().run_in_executor(self._prompt_thread, write)

    def _constraint(self, request: WritingRequest) -> Constraint | None:
        of_text = constraint_of(request, self._whitespace)
        of_tools = tool_constraint(request, self._tools, self._whitespace)
        if of_tools is not None and of_text is not None:
            raise RequestRefusedError("tools and a grammar of the text exclude each other", param="tools")
        constraint = of_tools or of_text
        if constraint is not None and request.stop_strings:
            raise RequestRefusedError(
                "would cut off a text that has to be complete",
                param="stop",
                advice="leave it out, or write it into the grammar",
            )
        return constraint

    def _budget(self, request: WritingRequest, compiled: CompiledGrammar | None, n_prompt: int) -> int:
        """Tokens that the text may have, the end included."""
        needed = 1 if compiled is None else compiled.matcher().tokens_to_finish
        with blamed_on(request.text_member, "context_length_exceeded"):
            left = context_left(self._model, n_prompt)
        most = left if self.limits.most_new_tokens is None else min(left, self.limits.most_new_tokens)
        given = request.token_limit
        if given is not None and needed > given:
            with blamed_on(request.limit_member):
                raise BudgetTooSmallError(needed, given, advice="raise it")
        if needed > most:
            with blamed_on(request.text_member):
                raise BudgetTooSmallError(
                    needed,
                    most,
                    message=f"the shortest text needs {needed} tokens; prompt and server leave {most}",
                    advice="shorten the prompt",
                )
        if given is not None and given > most:
            raise RequestRefusedError(
                f"must be at most {most}, what the prompt of {n_prompt} tokens and the server leave",
                param=request.limit_member,
                code="context_length_exceeded",
                got=given,
                advice="lower it, or shorten the prompt",
            )
        if given is not None:
            return given
        if compiled is not None:
            return min(needed + SPARE_TOKENS, most)
        return most if isinstance(request, ChatRequest) else min(COMPLETION_TOKENS, most)

    def _choosing(self, request: WritingRequest) -> Choosing:
        biases: dict[int, float] = {}
        for name, bias in (request.logit_bias or {}).items():
            is_known = name.isdecimal() and len(name) < 10 and int(name) < self._vocabulary.n_tokens
            if not is_known:
                raise RequestRefusedError(
                    f"a token id must be from 0 to {self._vocabulary.n_tokens - 1}",
                    param="logit_bias",
                    got=name,
                )
            biases[int(name)] = bias
        return Choosing(
            temperature=1.0 if request.temperature is None else request.temperature,
            top_k=request.top_k if request.top_k is not None and request.top_k > 0 else None,
            top_p=request.top_p,
            frequency_penalty=request.frequency_penalty or 0.0,
            presence_penalty=request.presence_penalty or 0.0,
            biases=biases,
        )


def _numbered(
    deliver: Callable[[int, Event], None], number: int, member: str | None
) -> Callable[[Event], None]:
    """member: of the request, which errors of the text are the fault of."""

    def hand_on(event: Event) -> None:
        if isinstance(event, ConstraintError) and member is not None:
            try:
                with blamed_on(member):
                    raise event
            except RequestRefusedError as refusal:
                event = refusal
        deliver(number, event)

    return hand_on
