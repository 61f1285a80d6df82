"""`generate()`: a Hugging Face model, a prompt and a grammar in, text that obeys the grammar out.

The loop is transformers' own (its caches, all its model families) with a `GrammarProcessor` in it. What is
added: the vocabulary is read once for each tokenizer, the random state of the caller is left alone, every
output is replayed through a fresh matcher before it is returned, and the log-probabilities and times are
collected on the way.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast, overload
from weakref import WeakKeyDictionary

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteriaList

from ..grammars.errors import ConstraintError
from ..grammars.grammar import Grammar
from ..grammars.json_schema import from_json_schema
from .arguments import checked_instance, checked_integer, checked_list
from .compile import CompiledGrammar, compile_grammar
from .compiled_length import CompiledLength, compile_length, with_length
from .errors import ArgumentTypeError, ArgumentValueError, BudgetTooSmallError, VocabularyError
from .generation_options import (
    MOST_TEMPERATURE,
    check_model,
    context_left,
    encode_prompt,
    named_eos_token_ids,
    random_state,
    sampling_options,
)
from .length import Length
from .processors import GrammarProcessor
from .prompt_ends import split_where_tokens_cross
from .results import (
    Result,
    Statistics,
    calls_of,
    captures_of,
    check_after_tail,
    grammar_of,
    make_results,
    replay,
    value_of,
)
from .rule_temperatures import has_temperatures
from .sampling import (
    SampledText,
    Sampler,
    SamplingTask,
    check_sampler,
    draw_texts,
    make_generator,
    score_text,
)
from .speculative import SpeculativeDecoder
from .text_pieces import TextPieces
from .trace_recorder import TraceRecorder, observe_text
from .traces import Source, Trace, make_trace
from .vocabulary import Vocabulary

DEFAULT_SPARE_TOKENS = 512
"""Without `max_new_tokens` the budget is the shortest output and so many tokens more."""

_vocabularies: WeakKeyDictionary[Any, dict[tuple, Vocabulary]] = WeakKeyDictionary()


@overload
def generate(
    model: Any,
    tokenizer: Any,
    prompt: str,
    *,
    grammar: Any = None,
    length: Length | None = None,
    max_new_tokens: int | None = None,
    budget_slack: int = 0,
    sampler: Sampler | None = None,
    heal_prompt: bool = False,
    do_sample: bool | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    drafter: SpeculativeDecoder | None = None,
    on_text: Callable[[str], object] | None = None,
    trace: bool = False,
) -> Result: ...


@overload
def generate(
    model: Any,
    tokenizer: Any,
    prompt: Sequence[str],
    *,
    grammar: Any = None,
    length: Length | None = None,
    max_new_tokens: int | None = None,
    budget_slack: int = 0,
    sampler: Sampler | None = None,
    heal_prompt: bool = False,
    do_sample: bool | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    drafter: SpeculativeDecoder | None = None,
    on_text: Callable[[str], object] | None = None,
    trace: bool = False,
) -> list[Result]: ...


def generate(
    model: Any,
    tokenizer: Any,
    prompt: str | Sequence[str],
    *,
    grammar: Any = None,
    length: Length | None = None,
    max_new_tokens: int | None = None,
    budget_slack: int = 0,
    sampler: Sampler | None = None,
    heal_prompt: bool = False,
    do_sample: bool | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    drafter: SpeculativeDecoder | None = None,
    on_text: Callable[[str], object] | None = None,
    trace: bool = False,
) -> Result | list[Result]:
    """Generate text that obeys a grammar, a length or both, complete and valid within the budget.

    model, tokenizer: from transformers, belonging to each other.
    prompt: a text, or several for a batch; several give a list of results in their order. A chat template
        writes the BOS token into the text (`apply_chat_template(messages, tokenize=False)`); the tokenizer's
        own is then left out.
    grammar: a `CompiledGrammar` or `CompiledLength` (fastest for many calls), a `Grammar`, or what
        `from_json_schema` takes. None: any text, of the length given, or as the predicate of a sampler has
        it.
    length: how long the text has to be, for example `Length(words=50)`; `compile_length` has the terms.
    max_new_tokens: tokens for the output, EOS included, at most what the prompt leaves of the context.
        None: `DEFAULT_SPARE_TOKENS` more than the shortest output needs, or what the context leaves.
    budget_slack: tokens before the end of the budget from which on the output is steered towards an end, as
        for `GrammarProcessor`; not with a sampler or a drafter.
    sampler: how to draw from what the grammar leaves (`tt.SequentialMonteCarlo(16)` ...); None: by masks. For
        each prompt it draws one text, and those of equal prompts together: `[prompt] * 20` gives 20 texts.
        Temperature and truncation then make another model, whose law it is.
    heal_prompt: whether the prompt may end inside a token (with a sampler): its last tokens are given back,
        as many as a longer token begins with, and the model writes their bytes anew, cut as it likes. Then
        `token_ids` and `log_prob` begin with those, and `text` with what comes after them.
    do_sample: False: the likeliest allowed token at each step. None: True if one of the following is given;
        if none is, and rules of the grammar have temperatures, in these rules.
    seed: makes the result repeatable and leaves torch's global random state alone. None: draws from it. A
        sampler that learns repeats a result only if it has learnt the same.
    temperature, top_k, top_p, min_p: applied to the allowed tokens; None: not at all. A temperature beyond
        `generation_options.MOST_TEMPERATURE` or below its inverse counts as these. In a rule of the grammar
        that has a temperature of its own, that one counts.
    drafter: proposes tokens, so that the model writes several of them in one pass (a `Drafter`, or a
        `Speculation` with options). Greedy outputs are the same with and without; drawn ones have the same
        law, but a seed repeats them only with `Speculation(..., adaptive=False)` and a drafter that has
        learnt nothing in between.
    on_text: called with each piece of the text as soon as it is written; for one prompt, without a sampler or
        a drafter. `PartialJson` makes values of the pieces.
    trace: keep what happened at each token (`result.trace`, see docs/traces.md), at the cost of a top-k for
        each; with a sampler or a drafter one forward pass for each text is added.

    Everything else (repetition penalty, suppressed tokens ...) is as `model.generation_config` says.

    Raises:
        GrammarError: the schema cannot be read, or no text has the length.
        BudgetTooSmallError: the shortest output does not fit.
        VocabularyError: the tokenizer cannot be read or cannot spell what the grammar needs, the grammar was
            compiled for another tokenizer, or the model has fewer logits than the tokenizer has tokens.
        NoAllowedTokenError: other settings of the model exclude every token that the grammar allows.
        LimitExceededError: the output of a recursive schema nests deeper than json reads.
        SamplingError: a setting of the model (`max_time`, `stop_strings`) stopped it before the end, or the
            sampler found no text.
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
        ConstraintError: an option contradicts another one.
    """
    if isinstance(prompt, str):
        prompts = [prompt]
    else:
        advice = "make one of messages with tokenizer.apply_chat_template(messages, tokenize=False)"
        checked_instance("prompt", prompt, Sequence, "a text, or a list of texts", advice)
        prompts = checked_list("prompt", prompt, str, "a text", advice)
    if max_new_tokens is not None:
        max_new_tokens = checked_integer("max_new_tokens", max_new_tokens, least=1)
    sampling = sampling_options(do_sample, seed, temperature, top_k, top_p, min_p)
    check_model(model, tokenizer)
    checked_instance("trace", trace, bool, "True or False")
    _check_ways(sampler, drafter, budget_slack)
    _check_stream(on_text, prompts, sampler, drafter)
    checked_instance("heal_prompt", heal_prompt, bool, "True or False")
    if heal_prompt and (sampler is None or length is not None):
        what = "needs a sampler" if sampler is None else "and length exclude each other"
        raise ConstraintError(f"heal_prompt {what}", advice="tt.MaskSampler() draws by masks alone")
    if heal_prompt and trace:
        raise ConstraintError("heal_prompt and trace exclude each other", advice="leave one out")
    if sampler is not None:
        check_sampler(sampler, model, do_sample)
        warping = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
        source = None if grammar is None and length is None else (grammar, length)
        results = _sample(
            *(model, tokenizer, prompts, source, max_new_tokens, sampler, seed, warping),
            heal_prompt=heal_prompt,
            is_traced=trace,
        )
        return results[0] if isinstance(prompt, str) else results
    started = time.perf_counter()
    compiled = _compile(grammar, length, model, tokenizer)
    compile_ms = 1000 * (time.perf_counter() - started)
    if do_sample is None and not sampling["do_sample"] and has_temperatures(compiled):
        # Outside of the rules that have one: the likeliest token.
        sampling = sampling_options(None, None, 1 / MOST_TEMPERATURE, None, None)
    inputs = _encode(tokenizer, prompts, compiled.vocabulary.eos_token_ids[0])
    prompt_length = 1 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    max_new_tokens = _budget(compiled, max_new_tokens, context_left(model, prompt_length))
    processor = GrammarProcessor(
        compiled,
        max_new_tokens=max_new_tokens,
        budget_slack=budget_slack,
        prompt_length=prompt_length,
        temperature=sampling["temperature"],
        # Prompt look-up hands in the same scores again; nobody else looks at them.
        in_place=getattr(model.generation_config, "prompt_lookup_num_tokens", None) is None,
    )
    watcher = TraceRecorder(processor) if trace and drafter is None else None
    configuration = GenerationConfig(**_fixed_options(compiled.vocabulary, max_new_tokens), **sampling)
    options: dict[str, Any] = {name: tensor.to(model.device) for name, tensor in inputs.items()}
    options["generation_config"] = configuration
    if on_text is not None:
        options["streamer"] = TextPieces(compiled.vocabulary, on_text)
    started = time.perf_counter()
    with random_state(seed):
        if drafter is None:
            recorder = _LogProbabilityRecorder()
            sequences = model.generate(
                **options,
                logits_processor=LogitsProcessorList([recorder, watcher or processor]),
                stopping_criteria=StoppingCriteriaList([processor.new_tokens]),
            )
        else:
            drafted = model.generate(
                **options,
                logits_processor=LogitsProcessorList([processor]),
                custom_generate=drafter.decode,
            )
            sequences = drafted.sequences
    seconds = time.perf_counter() - started
    generated = sequences[:, prompt_length:]
    outputs = [replay(compiled, row) for row in generated.tolist()]
    if drafter is None:
        log_probs = recorder.totals(generated, [len(token_ids) for token_ids, _ in outputs])
        speculation = None
    else:
        log_probs, speculation = drafted.log_probs, drafted.statistics
    results = make_results(
        compiled, outputs, log_probs, processor.mask_times, compile_ms, seconds, speculation
    )
    if watcher is not None:
        traces = watcher.traces(sequences, prompts)
        results = [replace(result, trace=found) for result, found in zip(results, traces, strict=True)]
    elif trace:
        for place, result in enumerate(results):
            prompt_ids = inputs["input_ids"][place][inputs["attention_mask"][place].bool()].tolist()
            found = _read_trace(model, prompts[place], prompt_ids, result, compiled, max_new_tokens)
            results[place] = replace(result, trace=found)
    return results[0] if isinstance(prompt, str) else results


def _check_ways(sampler: Sampler | None, drafter: SpeculativeDecoder | None, budget_slack: int) -> None:
    """Raise ConstraintError for options of which one would do nothing beside another."""
    if drafter is not None:
        checked_instance(
            "drafter", drafter, SpeculativeDecoder, "a Drafter or a Speculation", "see docs/speculation.md"
        )
        if isinstance(drafter, type):  # a class has the methods, too
            raise ArgumentTypeError(
                "drafter must be a Drafter or a Speculation", got=drafter, advice="make one of this class"
            )
    given = {"sampler": sampler, "drafter": drafter, "budget_slack": budget_slack or None}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ConstraintError(f"{' and '.join(names)} exclude each other", advice="leave one out")


def _check_stream(on_text: Any, prompts: list[str], sampler: Any, drafter: Any) -> None:
    """Raise an error unless text can be handed on while it is written."""
    if on_text is None:
        return
    if not callable(on_text):
        raise ArgumentTypeError("on_text must be a function of a text", got=on_text)
    if len(prompts) > 1 or sampler is not None or drafter is not None:
        raise ConstraintError(
            "on_text is for one prompt, without sampler and drafter", advice="leave it out, or the others"
        )


def _sample(
    model: Any,
    tokenizer: Any,
    prompts: list[str],
    source: tuple[Any, Length | None] | None,
    max_new_tokens: int | None,
    sampler: Sampler,
    seed: int | None,
    warping: dict[str, Any],
    *,
    heal_prompt: bool,
    is_traced: bool,
) -> list[Result]:
    """One text for each prompt, drawn by a sampler; those of equal prompts are drawn together.

    source: grammar and length, if there is one of them.
    """
    started = time.perf_counter()
    vocabulary = read_vocabulary(model, tokenizer)
    compiled = None if source is None else _compile(*source, model, tokenizer)
    compile_ms = 1000 * (time.perf_counter() - started)
    generator = make_generator(model, seed)
    found: dict[str, list[Result]] = {}
    for prompt, n_texts in Counter(prompts).items():
        prompt_ids = tuple(_encode(tokenizer, [prompt], vocabulary.eos_token_ids[0])["input_ids"][0].tolist())
        tail = b""
        if heal_prompt:
            kept, tail = split_where_tokens_cross(vocabulary, prompt_ids)
            prompt_ids = tuple(kept)
        budget = _budget(compiled, max_new_tokens, context_left(model, len(prompt_ids)))
        started = time.perf_counter()
        task = SamplingTask(model, prompt_ids, compiled or vocabulary, budget, warping, tail)
        texts = draw_texts(sampler, task, n_texts, generator)
        seconds = (time.perf_counter() - started) / n_texts
        results = [_result_of(task, text, compiled, vocabulary, compile_ms, seconds) for text in texts]
        if is_traced:
            read = partial(_read_trace, model, prompt, prompt_ids)
            results = [
                replace(result, trace=read(result, compiled or vocabulary, budget)) for result in results
            ]
        found[prompt] = results[::-1]
    return [found[prompt].pop() for prompt in prompts]


def _result_of(
    task: SamplingTask,
    drawn: SampledText,
    compiled: CompiledGrammar | CompiledLength | None,
    vocabulary: Vocabulary,
    compile_ms: float,
    seconds: float,
) -> Result:
    """What a sampler drew, checked and scored. seconds: that it took to draw it."""
    token_ids, n_forced, tail = list(drawn.token_ids), 0, task.tail
    if tail:
        check_after_tail(compiled, vocabulary, token_ids, tail)
    elif compiled is not None:
        token_ids, n_forced = replay(compiled, token_ids)
    text = vocabulary.decode(token_ids)[len(tail) :].decode("utf-8", "surrogateescape")
    statistics = Statistics(
        len(token_ids), n_forced, compile_ms, 0, 0.0, 0.0, len(token_ids) / seconds, drawn.details
    )
    grammar = grammar_of(compiled)
    return Result(
        text,
        value_of(grammar, text),
        token_ids,
        score_text(task.model, task.prompt_ids, token_ids),
        statistics,
        drawn.log_weight,
        calls_of(grammar, vocabulary, token_ids, n_skipped=len(tail)),
        captures_of(grammar, vocabulary, token_ids, n_skipped=len(tail)),
    )


def _read_trace(
    model: Any, prompt: str, prompt_ids: Sequence[int], result: Result, source: Source, budget: int
) -> Trace:
    """The trace of an output that was not watched while it was written."""
    seen = observe_text(model, prompt_ids, result.token_ids, source, max_new_tokens=budget)
    return make_trace(source, result.token_ids, seen, prompt=prompt, max_new_tokens=budget)


def _compile(
    grammar: Any, length: Length | None, model: Any, tokenizer: Any
) -> CompiledGrammar | CompiledLength:
    if grammar is None and length is None:
        raise ArgumentTypeError(
            "grammar or length must be given", advice="pass a schema, or length=tt.Length(words=50)"
        )
    if grammar is None:
        return compile_length(cast(Length, length), read_vocabulary(model, tokenizer))
    compiled = _compile_grammar(grammar, model, tokenizer)
    return compiled if length is None else with_length(compiled, length)


def _compile_grammar(grammar: Any, model: Any, tokenizer: Any) -> CompiledGrammar | CompiledLength:
    if isinstance(grammar, (CompiledGrammar, CompiledLength)):
        vocabulary = read_vocabulary(model, tokenizer)
        if not is_same_tokenizer(grammar.vocabulary, vocabulary):
            raise VocabularyError(
                "grammar must be compiled for the vocabulary of this tokenizer",
                got=grammar.vocabulary,
                advice=f"compile it for {vocabulary!r}",
            )
        return grammar
    if not isinstance(grammar, Grammar):
        grammar = from_json_schema(grammar)
    return compile_grammar(grammar, read_vocabulary(model, tokenizer))


def is_same_tokenizer(one: Vocabulary, other: Vocabulary) -> bool:
    """Whether all tokens have the same text; which ones end a text, or are special, may differ."""
    if one == other:
        return True
    pairs = zip(one.tokens, other.tokens, strict=False)
    return one.n_tokens == other.n_tokens and all(a == b or not a or not b for a, b in pairs)


def read_vocabulary(model: Any, tokenizer: Any) -> Vocabulary:
    """The vocabulary of a model and its tokenizer, read once and kept as long as the tokenizer lives.

    What ends a text is what the model's generation configuration names, which may be several tokens; where it
    names none, the tokenizer's one.

    Raises:
        VocabularyError: the tokenizer cannot be read, or neither names an end-of-sequence token.
    """
    eos_token_ids = named_eos_token_ids(model)
    key = (eos_token_ids, len(tokenizer))
    known = _vocabularies.setdefault(tokenizer, {})
    if key not in known:
        strange = [token_id for token_id in eos_token_ids or () if token_id >= len(tokenizer)]
        if strange:
            raise VocabularyError(
                f"model.generation_config.eos_token_id must name tokens of the tokenizer, which has "
                f"{len(tokenizer)}",
                got=strange,
                advice="set it to tokenizer.eos_token_id, or use the tokenizer that belongs to this model",
            )
        known[key] = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=eos_token_ids)
    return known[key]


def keep_vocabulary(model: Any, tokenizer: Any, vocabulary: Vocabulary) -> None:
    """Have `read_vocabulary` give this one, which was read elsewhere from the same tokenizer.

    It is not kept if it ends texts in another way than the model.
    """
    eos_token_ids = named_eos_token_ids(model)
    if eos_token_ids is None or tuple(dict.fromkeys(eos_token_ids)) == vocabulary.eos_token_ids:
        _vocabularies.setdefault(tokenizer, {})[eos_token_ids, len(tokenizer)] = vocabulary


def _encode(tokenizer: Any, prompts: list[str], padding_id: int) -> dict[str, torch.Tensor]:
    """Token ids and attention mask, int64, shape [prompts, longest], padded on the left."""
    rows = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    if not rows or not all(rows):
        raise ConstraintError(
            "prompt: needs at least one text, and each at least one token", got=prompts, advice="add text"
        )
    longest = max(map(len, rows))
    input_ids = torch.tensor([[padding_id] * (longest - len(row)) + row for row in rows])
    attention_mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def _budget(
    compiled: CompiledGrammar | CompiledLength | None, max_new_tokens: int | None, context: int
) -> int:
    """The tokens for the output, which have to fit into what the prompt leaves of the model's context."""
    needed = 1 if compiled is None else compiled.matcher().tokens_to_finish
    if needed > context:
        raise BudgetTooSmallError(
            needed,
            context,
            message=f"the prompt must leave {needed} tokens of the model's context for the shortest output",
            advice="shorten the prompt",
        )
    if max_new_tokens is None:
        return min(needed + DEFAULT_SPARE_TOKENS, context)
    if max_new_tokens > context:
        raise ArgumentValueError(
            f"max_new_tokens must be at most {context}, what the prompt leaves of the model's context",
            got=max_new_tokens,
            advice="lower it, or shorten the prompt",
        )
    return max_new_tokens


def _fixed_options(vocabulary: Vocabulary, max_new_tokens: int) -> dict[str, Any]:
    """What the grammar and the budget decide, whatever the model's own configuration says."""
    return {
        "max_new_tokens": max_new_tokens,
        "min_new_tokens": 0,
        "num_beams": 1,
        "num_return_sequences": 1,
        "eos_token_id": list(vocabulary.eos_token_ids),
        "pad_token_id": vocabulary.eos_token_ids[0],
        "return_dict_in_generate": False,
    }


class _LogProbabilityRecorder(LogitsProcessor):
    """Stands before the grammar in the list and notes what the model alone gives to each token that was
    chosen.
    """

    def __init__(self) -> None:
        self._chosen: list[torch.Tensor] = []  # float32, shape [rows], one for each step
        self._pending: torch.Tensor | None = None  # of the step whose token is not known yet

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        self._settle(input_ids[:, -1])
        self._pending = torch.log_softmax(scores.float(), dim=-1)
        return scores

    def totals(self, generated: torch.Tensor, lengths: list[int]) -> list[float]:
        """Sum over the first tokens of each row. generated: int64, shape [rows, steps]; lengths: how many
        count.
        """
        self._settle(generated[:, -1])
        steps = torch.stack(self._chosen, dim=1).double()
        return [float(row[:length].sum()) for row, length in zip(steps, lengths, strict=True)]

    def _settle(self, token_ids: torch.Tensor) -> None:
        if self._pending is not None:
            self._chosen.append(self._pending.gather(1, token_ids.to(self._pending.device)[:, None])[:, 0])
            self._pending = None
