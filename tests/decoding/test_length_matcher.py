"""Lengths that are kept: masks against all texts of small vocabularies, and walks by random tokens."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from tokentrellis import (
    ArgumentIndexError,
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    CompiledLength,
    GrammarProcessor,
    Length,
    LimitExceededError,
    TokenRejectedError,
    UnsatisfiableError,
    UnsupportedFeatureError,
    Vocabulary,
    allocate_bitmask,
    compile_grammar,
    compile_length,
    from_json_schema,
    from_regex,
    generate,
)
from tokentrellis.decoding.compiled_length import _effects_of
from tokentrellis.decoding.length_costs import NEVER, LengthCosts
from tokentrellis.decoding.length_spaces import GrammarTexts
from tokentrellis.decoding.sentences import ends_sentence
from transformers import LogitsProcessorList

from tests.masks import allowed_tokens
from tests.tiny_models import random_model, tiny_tokenizer

SMALL = Vocabulary([b"a", b" ", b".", b"a b", b". ", b"-", b"\n", b""], eos_token_ids=[7])
MOST_TOKENS = 5


@lru_cache(maxsize=1)
def all_texts() -> list[tuple[int, ...]]:
    """All sequences of up to MOST_TOKENS tokens of SMALL."""
    return [
        ids for n in range(MOST_TOKENS + 1) for ids in itertools.product(range(SMALL.n_tokens - 1), repeat=n)
    ]


def complies(compiled: CompiledLength, token_ids: tuple[int, ...]) -> bool:
    """Whether a finished text is right, by the measures of finished texts."""
    text = compiled.vocabulary.decode(token_ids).decode()
    length = compiled.length
    count = len(token_ids) if length.kind == "tokens" else length.measure(tiny_tokenizer()).count(text)
    lines = text.split("\n")
    is_list = length.kind != "items" or all(line[:2] == "- " and line[2:].strip() for line in lines)
    return (
        length.allows(count)
        and (compiled.ends_at == "anywhere" or ends_sentence(text.encode()))
        and (compiled.grammar is None or compiled.grammar.grammar.accepts(text))
        and is_list
    )


def prefixes(compiled: CompiledLength) -> set[tuple[int, ...]]:
    """What right texts of up to MOST_TOKENS tokens begin with."""
    right = [ids for ids in all_texts() if complies(compiled, ids)]
    return {ids[:n] for ids in right for n in range(len(ids) + 1)}


LENGTHS = [
    Length(words=2),
    Length(words=(1, 2)),
    Length.at_least(words=2),
    Length(words=2, word_rule=r"\w+", ends_at="anywhere"),
    Length(characters=4),
    Length.at_most(characters=3),
    Length(sentences=2),
    Length(sentences=(1, 2), ends_at="anywhere"),
    Length(tokens=3),
    Length(tokens=(2, 4)),
    Length(items=1),
]


@pytest.mark.parametrize("length", LENGTHS, ids=str)
def test_a_token_is_allowed_if_and_only_if_some_right_text_goes_on_so(length: Length) -> None:
    """Up to three tokens; each of these lengths can be made with the two that are left, or not at all."""
    compiled = compile_length(length, SMALL)
    begins = prefixes(compiled)
    n_checked = 0
    for ids in all_texts():
        if len(ids) > 2 or ids not in begins:
            continue
        matcher = compiled.matcher()
        assert matcher.try_accept_tokens(ids) == len(ids)
        assert matcher.is_accepting == complies(compiled, ids)
        for token_id in allowed_tokens(matcher):
            assert matcher.allows_token(token_id)
            if token_id == 7:
                continue
            after = compiled.matcher()
            after.try_accept_tokens((*ids, token_id))
            if len(ids) + after.tokens_to_finish <= MOST_TOKENS:
                assert (*ids, token_id) in begins, (ids, token_id)
                n_checked += 1
        missing = {prefix[-1] for prefix in begins if prefix[:-1] == ids and prefix}
        assert missing <= set(allowed_tokens(matcher)), ids
    assert n_checked > 3


def walk(compiled: CompiledLength, budget: int, choose: random.Random) -> list[int]:
    """A text of random allowed tokens, EOS included."""
    matcher, token_ids = compiled.matcher(), []
    while not matcher.is_terminated:
        allowed = allowed_tokens(matcher, budget - len(token_ids))
        token_id = choose.choice(allowed)
        matcher.accept_token(token_id)
        token_ids.append(token_id)
    return token_ids


def random_length(choose: random.Random, kinds: list[str]) -> Length:
    least = choose.randrange(25)
    bounds = choose.choice([least, (least, least + choose.randrange(4)), (None, least), (least, None)])
    kind = choose.choice(kinds)
    return Length(
        **{kind: bounds},
        word_rule=choose.choice(["unicode", r"\w+"]) if kind == "words" else "unicode",
        ends_at=choose.choice(["sentence", "anywhere", None]),
    )


def check_walks(source: Any, length: Length, choose: random.Random, *, n_walks: int = 2) -> bool:
    """Walk with small budgets; False: the length was refused beforehand."""
    try:
        compiled = compile_length(length, source)
    except UnsatisfiableError:
        return False
    for _ in range(n_walks):
        budget = compiled.tokens_to_finish + choose.randrange(12)
        token_ids = walk(compiled, budget, choose)
        assert len(token_ids) <= budget
        assert complies(compiled, tuple(token_ids[:-1])), (length, token_ids)
    with pytest.raises(BudgetTooSmallError):
        allowed_tokens(compiled.matcher(), compiled.tokens_to_finish - 1)
    return True


@pytest.mark.parametrize("seed", range(3))
def test_free_texts_have_the_length(seed: int) -> None:
    choose = random.Random(seed)
    vocabulary = Vocabulary.from_tokenizer(tiny_tokenizer())
    n_kept = sum(
        check_walks(vocabulary, random_length(choose, ["words", "characters", "sentences", "tokens"]), choose)
        for _ in range(20)
    )
    assert n_kept > 15


def test_lists_have_the_length() -> None:
    choose = random.Random(5)
    vocabulary = Vocabulary.from_tokenizer(tiny_tokenizer())
    for n_items in (1, 2, 7):
        compiled = compile_length(Length(items=n_items), vocabulary)
        lines = vocabulary.decode(walk(compiled, 60, choose)[:-1]).decode().split("\n")
        assert len(lines) == n_items


SCHEMAS: list[Any] = [
    {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    },
    {"enum": ["red", "dark blue", "the whole. Of it."]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=["object", "enum", "array"])
def test_texts_of_a_grammar_have_the_length(schema: Any) -> None:
    choose = random.Random(6)
    grammar = compile_grammar(
        from_json_schema(schema, whitespace="compact"), Vocabulary.from_tokenizer(tiny_tokenizer())
    )
    kinds = ["characters", "tokens", *(["words"] if "enum" in schema else [])]  # of strings: 2,000 states
    n_kept = sum(check_walks(grammar, random_length(choose, kinds), choose, n_walks=1) for _ in range(6))
    assert n_kept > 1


@pytest.mark.parametrize("length", [Length(words=2), Length(characters=(3, 4)), Length(tokens=3)], ids=str)
def test_with_a_grammar_masks_are_exact_within_every_budget(length: Length) -> None:
    """A token is allowed if and only if a right text of few enough tokens goes on so."""
    compiled = compile_length(length, compile_grammar(from_regex(r"a( ?b?[a.]|\. ?)*"), SMALL))
    right = [ids for ids in all_texts() if complies(compiled, ids)]
    assert min(map(len, right)) + 1 == compiled.tokens_to_finish
    for budget in range(compiled.tokens_to_finish, MOST_TOKENS + 2):
        fitting = [ids for ids in right if len(ids) < budget]
        for begun in {ids[:n] for ids in fitting for n in range(len(ids) + 1)}:
            matcher = compiled.matcher()
            assert matcher.try_accept_tokens(begun) == len(begun)
            n = len(begun)
            nexts = {ids[n] for ids in fitting if len(ids) > n and ids[:n] == begun}
            ends = {7} if begun in fitting else set()
            assert set(allowed_tokens(matcher, budget - len(begun))) == nexts | ends, (budget, begun)


def layers_one_by_one(texts: GrammarTexts, length: Length) -> list[list[int]]:
    """The slow twin of the costs: every layer for itself, edge by edge."""
    edges, top = list(zip(*(part.tolist() for part in texts._edges()), strict=True)), texts._top
    layers = [[NEVER] * len(texts._ends) for _ in range(top + 1)]
    for count in range(top, -1, -1):
        costs = layers[count]
        costs[:] = [0 if ends and count >= length.least else NEVER for ends in texts._ends]
        before: list[int] = []
        while before != costs:
            before = list(costs)
            for source, target, units in edges:
                row = count + units if length.most is not None else min(top, count + units)
                if row <= top:
                    costs[source] = min(costs[source], layers[row][target] + 1)
    return layers


@pytest.mark.parametrize("pattern", [r"a( ?b?[a.]|\. ?)*", r"a{0,9}", r"(a b){3}", r"-*", r"(a{3} )*"])
def test_layers_that_repeat_are_those_made_one_by_one(pattern: str) -> None:
    grammar = compile_grammar(from_regex(pattern), SMALL)
    n_checked = 0
    for kind in ("words", "characters", "sentences", "tokens"):
        for bounds in (0, 12, (3, 20), (None, 20), (20, None), (9, 40)):
            try:
                compiled = compile_length(Length(**{kind: bounds}), grammar)
            except UnsatisfiableError:
                continue
            assert compiled.space._costs.tolist() == layers_one_by_one(compiled.space, compiled.length)
            n_checked += 1
    assert n_checked > 2


def test_what_cannot_be_is_refused_beforehand() -> None:
    letters = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    grammar = compile_grammar(from_json_schema({"type": "boolean"}), letters)
    with pytest.raises(UnsatisfiableError, match="no text of this grammar has exactly 3 characters"):
        compile_length(Length(characters=3), grammar)
    with pytest.raises(UnsatisfiableError, match="no text of these tokens"):
        compile_length(Length(words=1), Vocabulary([b".", b""], eos_token_ids=[1]))
    with pytest.raises(UnsupportedFeatureError, match="minItems"):
        compile_length(Length(items=2), grammar)
    with pytest.raises(UnsupportedFeatureError, match="additionalProperties"):
        compile_length(Length(words=2), compile_grammar(from_json_schema({"type": "object"}), letters))
    with pytest.raises(LimitExceededError, match="units of a length"):
        compile_length(Length(characters=1_000_000), compile_grammar(from_regex("(a|aa|ba)*"), letters))


def test_where_no_sentence_fits_a_text_ends_anywhere() -> None:
    assert compile_length(Length(characters=0), SMALL).ends_at == "anywhere"
    assert compile_length(Length(characters=1), SMALL).ends_at == "sentence"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, ArgumentValueError),
        ({"words": 1, "tokens": 2}, ArgumentValueError),
        ({"words": -1}, ArgumentValueError),
        ({"words": (3, 2)}, ArgumentValueError),
        ({"words": 10**9}, ArgumentValueError),
        ({"words": "50"}, ArgumentTypeError),
        ({"words": True}, ArgumentTypeError),
        ({"words": (1, 2, 3)}, ArgumentTypeError),
        ({"words": (None, None)}, ArgumentTypeError),
        ({"words": 1.5}, ArgumentTypeError),
        ({"words": 1, "word_rule": "letters"}, ArgumentValueError),
        ({"words": 1, "ends_at": "line"}, ArgumentValueError),
        ({"characters": 1, "word_rule": r"\w+"}, ArgumentValueError),
        ({"items": 1, "ends_at": "sentence"}, ArgumentValueError),
    ],
)
def test_a_wrong_length_is_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Length(**arguments)


def test_a_length_says_itself_in_its_own_unit() -> None:
    lengths = [Length(items=1), Length(characters=2), Length.at_most(words=3), Length.at_least(tokens=4)]
    said = ["exactly 1 item", "exactly 2 characters", "at most 3 words", "at least 4 tokens"]
    assert [str(length) for length in lengths] == said


@pytest.mark.parametrize("kind", ["words", "characters", "sentences", "tokens"])
def test_layers_that_are_left_out_are_like_those_that_are_kept(kind: str) -> None:
    """Far from both bounds, the costs of a wide range are those of a range without an upper bound."""
    least, most = 40, 1_000_000
    effects = _effects_of(SMALL, Length(**{kind: least}), "sentence")
    wide, narrow = LengthCosts(effects, least, most), LengthCosts(effects, least, 100)
    unbound = LengthCosts(effects, least, None)
    for count in [*range(least + 5), 60, 100]:
        assert np.array_equal(wide.at(count), unbound.at(count)), count
        assert np.array_equal(narrow.at(count), wide.at(count if count < 60 else most - 100 + count)), count
    assert len(wide._layers) < 200


def test_threads_share_one_compiled_length() -> None:
    """Layers of costs are made when they are needed, each from those before it."""
    effects = _effects_of(SMALL, Length(words=60), "sentence")
    right = LengthCosts(effects, 60, 60).at(1)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(20):
                costs = LengthCosts(effects, 60, 60)
                found = list(pool.map(costs.at, [1] * 8))
                assert all(np.array_equal(each, right) for each in found)
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    "call",
    [
        lambda matcher: matcher.allows_token("a"),
        lambda matcher: matcher.allows_token(1.5),
        lambda matcher: matcher.try_accept_tokens(5),
        lambda matcher: matcher.try_accept_tokens("ab"),
        lambda matcher: matcher.fill_bitmask(allocate_bitmask(1, 8), budget="many"),
        lambda matcher: matcher.fill_bitmask(np.frombuffer(bytes(4), dtype=np.int32)),
        lambda matcher: matcher.fill_bitmask(torch.zeros(1, 1, dtype=torch.int32, device="meta")),
        lambda matcher: matcher.fill_bitmask(torch.zeros(1, 1, requires_grad=True)),
    ],
)
def test_a_matcher_refuses_what_is_no_token_budget_or_bitmask(call: Any) -> None:
    with pytest.raises(ArgumentTypeError):
        call(compile_length(Length(words=2), SMALL).matcher())


def test_a_matcher_goes_back_copies_and_refuses() -> None:
    compiled = compile_length(Length(words=2), SMALL)
    matcher = compiled.matcher()
    matcher.accept_token(0)
    other, another, third = matcher.copy(), copy.copy(matcher), copy.deepcopy(matcher)
    matcher.accept_token(1)
    assert another.n_accepted == third.n_accepted == 1
    with pytest.raises(TypeError, match="pickle the compiled length"):
        pickle.dumps(matcher)
    matcher.rollback(1)
    assert matcher.n_accepted == other.n_accepted == 1
    assert allowed_tokens(matcher) == allowed_tokens(other)
    with pytest.raises(TokenRejectedError, match="exactly 2 words"):
        matcher.accept_token(7)
    assert matcher.try_accept_tokens([3, 2, 7, 0]) == 3
    assert matcher.is_terminated
    assert allowed_tokens(matcher) == [7]
    with pytest.raises(ArgumentIndexError):
        matcher.rollback(5)
    matcher.reset()
    assert (matcher.n_accepted, matcher.is_terminated) == (0, False)
    with pytest.raises(ArgumentIndexError):
        matcher.fill_bitmask(allocate_bitmask(1, 8), row=1)
    with pytest.raises(ArgumentTypeError):
        matcher.fill_bitmask([[0]])
    with pytest.raises(ArgumentValueError):
        matcher.fill_bitmask(np.zeros((1, 0), dtype=np.int32))


def test_a_compiled_length_is_pickled_by_what_it_was_made_of() -> None:
    compiled = compile_length(Length(characters=3), SMALL)
    again = pickle.loads(pickle.dumps(compiled))
    assert again.length == compiled.length
    assert allowed_tokens(again.matcher()) == allowed_tokens(compiled.matcher())
    assert copy.copy(compiled.length) == compiled.length


def test_rows_that_share_a_grammar_share_its_length() -> None:
    one, other = (compile_grammar(from_regex(pattern), SMALL) for pattern in ("a*", "(a|-)*"))
    bound = GrammarProcessor([one, other, one], length=Length(characters=2)).grammars
    assert bound[0] is bound[2]
    assert [each.grammar for each in bound] == [one, other, one]


@pytest.mark.parametrize("do_sample", [False, True])
def test_generate_keeps_a_length(do_sample: bool) -> None:
    options = {"seed": 3} if do_sample else {}
    results = generate(
        random_model("llama"),
        tiny_tokenizer(),
        ["Ann", "Bo likes red"],
        length=Length(words=12),
        max_new_tokens=60,
        **options,
    )
    for result in results:
        assert Length(words=12).measure().count(result.text) == 12
        assert ends_sentence(result.text.encode())
        assert result.value == result.text
        assert result.stats.n_tokens == len(result.token_ids)


def test_generate_keeps_a_length_and_a_grammar() -> None:
    schema = SCHEMAS[0]
    result = generate(
        random_model("gpt2"), tiny_tokenizer(), "Ann", grammar=schema, length=Length(characters=40)
    )
    assert len(result.text) == 40
    assert set(result.value) == {"a"}


def test_generate_wants_a_grammar_or_a_length() -> None:
    with pytest.raises(ArgumentTypeError, match="grammar or length"):
        generate(random_model("llama"), tiny_tokenizer(), "Ann")
    with pytest.raises(ArgumentTypeError, match="Length"):
        generate(random_model("llama"), tiny_tokenizer(), "Ann", length=50)
    with pytest.raises(BudgetTooSmallError):
        generate(random_model("llama"), tiny_tokenizer(), "Ann", length=Length(words=50), max_new_tokens=20)


def test_a_processor_takes_lengths_of_several_rows() -> None:
    vocabulary = Vocabulary.from_tokenizer(tiny_tokenizer())
    model, tokenizer = random_model("llama"), tiny_tokenizer()
    lengths = [Length(characters=n) for n in (5, 9)]
    compiled = [compile_length(length, vocabulary) for length in lengths]
    processor = GrammarProcessor(compiled, max_new_tokens=40)
    inputs = tokenizer(["Ann", "Bob"], return_tensors="pt", padding=True)
    out = model.generate(
        **inputs, max_new_tokens=40, do_sample=False, logits_processor=LogitsProcessorList([processor])
    )
    width = inputs["input_ids"].shape[1]
    texts = [vocabulary.decode([i for i in row if i > 1]).decode() for row in out[:, width:].tolist()]
    assert list(map(len, texts)) == [5, 9]
    with pytest.raises(ArgumentValueError, match="already"):
        GrammarProcessor(compiled, length=lengths[1])


def test_slack_steers_towards_the_end_before_the_budget_does() -> None:
    """A model without preferences: the fewer tokens are left, the likelier is what brings the end nearer."""
    compiled = compile_length(Length.at_least(characters=2), Vocabulary.from_tokenizer(tiny_tokenizer()))
    budget, slack = 20, 10
    processor = GrammarProcessor(compiled, max_new_tokens=budget, budget_slack=slack, prompt_length=1)
    scores = torch.zeros(1, compiled.vocabulary.vocab_size)
    a, stop = (compiled.vocabulary.token_id_by_bytes[text] for text in (b"a", b"."))
    for n_tokens in range(budget - 1):
        row = torch.tensor([[0] + [a] * n_tokens])
        after = processor(row, scores)[0]
        beyond = (
            budget - n_tokens - 2 if n_tokens > 1 else budget - 3
        )  # a stop and EOS; two characters and EOS
        assert after[stop] == 0
        expected = 0 if beyond >= slack or n_tokens < 2 else math.log(beyond / slack) if beyond else -math.inf
        assert after[a] == pytest.approx(expected), n_tokens
    with pytest.raises(ArgumentValueError, match="budget_slack"):
        GrammarProcessor(compiled, budget_slack=slack)
