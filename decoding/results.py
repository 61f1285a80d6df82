"""What `generate()` returns: generated tokens in, checked results with their value, counts and times out.

Every output is replayed through a fresh matcher before it is returned, whoever drew it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..grammars.captures import Captured, CaptureReader
from ..grammars.errors import LimitExceededError
from ..grammars.grammar import Grammar
from ..grammars.json_schema import JsonSchemaGrammar
from ..grammars.structural_tags import TagGrammar
from ..grammars.tools import ToolGrammar
from .compile import CompiledGrammar
from .compiled_length import CompiledLength
from .errors import SamplingError
from .json_numbers import read_fraction, read_integer
from .matcher import is_forced
from .processors import MaskTimes
from .speculative import SpeculationStatistics
from .traces import Trace
from .vocabulary import Vocabulary


@dataclass(frozen=True)
class Statistics:
    """What one call of `generate()` cost. All but the first two are those of the whole batch.

    n_tokens: tokens generated for this prompt, EOS included.
    n_forced_tokens: how many of them spell text about which the grammar left no choice.
    compile_ms: milliseconds to compile the grammar and, for a new tokenizer, to read the vocabulary.
    n_masks: masks filled. mask_us_mean, mask_us_max: microseconds for one.
    tokens_per_second: tokens of all rows by the time in the model's loop.
    sampler: what the sampler counted for this prompt; None without one (and with one no masks are counted).
    speculation: what the drafts did; None without a drafter.
    """

    n_tokens: int
    n_forced_tokens: int
    compile_ms: float
    n_masks: int
    mask_us_mean: float
    mask_us_max: float
    tokens_per_second: float
    sampler: dict[str, Any] | None = None
    speculation: SpeculationStatistics | None = None


@dataclass(frozen=True)
class Result:
    """One finished output.

    text: what was generated.
    value: the parsed JSON for a grammar from a JSON Schema, else the text. A number that is too large or too
        small for a float, or has more digits than an int may have, is a `Decimal`.
    token_ids: the generated tokens, EOS included.
    log_prob: natural logarithm of the probability that the model alone, without grammar, temperature or
        truncation, gives to `token_ids` after the prompt (what the model's generation configuration asks for,
        such as a repetition penalty, counts as the model's).
    stats: counts and times.
    log_weight: natural logarithm of the importance weight that a sampler gives to the text; None without one.
        Averages over results, weighted by exp(log_weight), are those of the model given the constraint.
    calls: what was called, for a grammar of tools (`ToolCall`) or structural tags (`TagCall`); else None.
    captures: the texts of captured rules (`Captured`), for a grammar that has some; else None.
    trace: what happened at each token, for `generate(..., trace=True)`; else None.
    """

    text: str
    value: Any
    token_ids: list[int]
    log_prob: float
    stats: Statistics
    log_weight: float | None = None
    calls: list[Any] | None = None
    captures: list[Captured] | None = None
    trace: Trace | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from .result_view import result_html

        return result_html(self)


def make_results(
    compiled: CompiledGrammar | CompiledLength,
    outputs: list[tuple[list[int], int]],
    log_probs: list[float],
    times: MaskTimes,
    compile_ms: float,
    seconds: float,
    speculation: SpeculationStatistics | None,
) -> list[Result]:
    n_generated = sum(len(token_ids) for token_ids, _ in outputs)
    grammar = grammar_of(compiled)
    results = []
    for (token_ids, n_forced), log_prob in zip(outputs, log_probs, strict=True):
        text = compiled.vocabulary.decode(token_ids).decode("utf-8", "surrogateescape")
        statistics = Statistics(
            n_tokens=len(token_ids),
            n_forced_tokens=n_forced,
            compile_ms=compile_ms,
            n_masks=times.count,
            mask_us_mean=times.total_ns / max(1, times.count) / 1000,
            mask_us_max=times.slowest_ns / 1000,
            tokens_per_second=n_generated / seconds,
            speculation=speculation,
        )
        calls = calls_of(grammar, compiled.vocabulary, token_ids)
        captures = captures_of(grammar, compiled.vocabulary, token_ids)
        value = value_of(grammar, text)
        results.append(Result(text, value, token_ids, log_prob, statistics, calls=calls, captures=captures))
    return results


def replay(compiled: CompiledGrammar | CompiledLength, row: list[int]) -> tuple[list[int], int]:
    """The tokens up to EOS, checked once more from the start, and how many of them the grammar forced."""
    matcher = compiled.matcher()
    grammar = compiled.grammar if isinstance(compiled, CompiledLength) else compiled
    forced_by = None if grammar is None else grammar.matcher()
    n_forced = 0
    for position, token_id in enumerate(row):
        if forced_by is not None:
            n_forced += is_forced(forced_by, compiled.vocabulary.token_bytes(token_id))
            forced_by.accept_token(token_id)
        matcher.accept_token(token_id)
        if matcher.is_terminated:
            return row[: position + 1], n_forced
    raise SamplingError(
        f"the model stopped after {len(row)} tokens, before the output was complete",
        advice="take max_time and stop_strings out of model.generation_config",
    )


def check_after_tail(
    compiled: CompiledGrammar | CompiledLength | None,
    vocabulary: Vocabulary,
    token_ids: list[int],
    tail: bytes,
) -> None:
    """Check the text of tokens that write the end of the prompt first.

    Raises:
        SamplingError: they do not, or what follows does not obey the grammar, or has no end.
    """
    spelled = vocabulary.decode(token_ids)
    is_right = spelled.startswith(tail) and token_ids[-1:] in [[token] for token in vocabulary.eos_token_ids]
    if is_right and isinstance(compiled, CompiledGrammar):
        matcher = compiled.matcher()
        is_right = matcher.read_bytes(spelled[len(tail) :]) and matcher.is_accepting
    if not is_right:
        raise SamplingError(
            f"the sampler must write {tail!r} and then what the grammar allows",
            got=spelled,
            advice="use one that knows SamplingTask.tail, or leave heal_prompt out",
        )


def grammar_of(compiled: CompiledGrammar | CompiledLength | None) -> Grammar | None:
    if isinstance(compiled, CompiledLength):
        compiled = compiled.grammar
    return None if compiled is None else compiled.grammar


def value_of(grammar: Grammar | None, text: str) -> Any:
    if not isinstance(grammar, JsonSchemaGrammar):
        return text
    try:
        return json.loads(text, parse_int=read_integer, parse_float=read_fraction)
    except RecursionError:
        raise LimitExceededError(
            "levels of nesting of the output",
            given="more",
            limit="what json reads",
            advice="lower max_new_tokens, or let the schema limit the depth",
        ) from None


def calls_of(
    grammar: Grammar | None, vocabulary: Vocabulary, token_ids: list[int], n_skipped: int = 0
) -> list[Any] | None:
    """What was called; None for a grammar in which nothing is. n_skipped: bytes before the text."""
    if not isinstance(grammar, (ToolGrammar, TagGrammar)):
        return None
    names = vocabulary.special_names
    ends = set(vocabulary.eos_token_ids)
    data = b"".join(
        names[token_id].encode() if token_id in names else vocabulary.token_bytes(token_id)
        for token_id in token_ids
        if token_id not in ends
    )
    return list(grammar.calls(data[n_skipped:].decode("utf-8", "surrogateescape")))


def captures_of(
    grammar: Grammar | None, vocabulary: Vocabulary, token_ids: list[int], n_skipped: int = 0
) -> list[Captured] | None:
    """The texts of captured rules; None for a grammar without any. n_skipped: bytes before the text."""
    if grammar is None or not grammar.has_captures:
        return None
    reader, found = CaptureReader(grammar), []
    ends = set(vocabulary.eos_token_ids)
    for token_id in token_ids:
        if token_id in ends:
            break
        if token_id in vocabulary.special_names:
            found += reader.write_token(token_id)
            continue
        data = vocabulary.token_bytes(token_id)
        found += reader.write(data[n_skipped:])
        n_skipped = max(0, n_skipped - len(data))
    return [*found, *reader.finish()]
