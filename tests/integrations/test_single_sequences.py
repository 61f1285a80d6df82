"""llama-cpp-python and MLX: processors that see all tokens of one sequence before each step."""

from __future__ import annotations

import random
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.integrations.followed_tokens import FollowedTokens
from tokentrellis.integrations.llama_cpp import LlamaGrammarProcessor
from tokentrellis.integrations.mlx import MlxGrammarProcessor

from tests.tiny_models import N_LOGITS, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
VOCABULARY = tt.Vocabulary.from_tokenizer(TOKENIZER, vocab_size=N_LOGITS)
EOS = VOCABULARY.eos_token_ids[0]
GRAMMAR = tt.from_json_schema({"type": "array", "items": {"type": "integer"}})
COMPILED = tt.compile_grammar(GRAMMAR, VOCABULARY)
PROMPT = [5, 6, 7]


def write(process: Any, budget: int, seed: int) -> str:
    """A text, drawn by an engine that knows no grammar. process: scores of one sequence -> scores."""
    chance = np.random.default_rng(seed)
    tokens = list(PROMPT)
    for _ in range(budget):
        tokens.append(int(process(tokens, chance.random(N_LOGITS, dtype=np.float32)).argmax()))
        if tokens[-1] == EOS:
            break
    return VOCABULARY.decode(tokens[len(PROMPT) :]).decode()


def llama(processor: LlamaGrammarProcessor) -> Any:
    return lambda tokens, scores: processor(np.array(tokens, dtype=np.intc), scores)


@pytest.mark.parametrize("budget", [3, 4, 9, 20])
def test_llama_cpp(budget: int) -> None:
    processor = LlamaGrammarProcessor(COMPILED, max_tokens=budget)
    for seed in range(5):  # one processor for one text after the other
        assert GRAMMAR.accepts(write(llama(processor), budget, seed))


def test_scores_stay_as_they_were() -> None:
    scores = np.arange(N_LOGITS, dtype=np.float32)
    masked = LlamaGrammarProcessor(COMPILED)(np.array(PROMPT, dtype=np.intc), scores)
    assert masked.dtype == np.float32
    assert (scores == np.arange(N_LOGITS)).all()
    assert (masked[np.isfinite(masked)] == scores[np.isfinite(masked)]).all()
    assert 0 < np.isfinite(masked).sum() < 30


class _Array(np.ndarray):  # type: ignore[type-arg]
    """Stands for an array of MLX where MLX is not installed."""


def test_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        import mlx.core as mx
    except ImportError:
        core = ModuleType("mlx.core")
        core.__dict__.update(array=np.array, where=np.where)
        monkeypatch.setitem(sys.modules, "mlx", ModuleType("mlx"))
        monkeypatch.setitem(sys.modules, "mlx.core", core)
        mx = core
    processor = MlxGrammarProcessor(COMPILED, max_tokens=12)

    def process(tokens: list[int], scores: Any) -> Any:
        masked = processor(mx.array(tokens), mx.array(scores)[None])
        assert masked.shape == (1, N_LOGITS)
        return np.array(masked)[0]

    for seed in range(3):
        text = write(process, 12, seed)
        assert GRAMMAR.accepts(text)
        assert text == write(llama(LlamaGrammarProcessor(COMPILED, max_tokens=12)), 12, seed)


def test_any_history_gives_the_mask_of_its_tokens() -> None:
    """Tokens come again, are taken back, and another prompt comes: the mask is that of a fresh follower."""
    chance = random.Random(4)
    texts = [VOCABULARY.greedy_tokenize(text) for text in (b"[1, 23]", b"[12,", b"[]", b"[1, 2")]
    followed, longest = FollowedTokens(COMPILED, max_tokens=30), 0
    followed.allowed(PROMPT, N_LOGITS)
    for _ in range(60):
        text = chance.choice(texts)
        n_written = chance.randrange(min(len(text), longest + 1) + 1)  # at most one that was never seen
        longest = max(longest, n_written)
        tokens = [*PROMPT, *text[:n_written]]
        fresh = FollowedTokens(COMPILED, max_tokens=30)
        for length in range(n_written):
            fresh.allowed([*PROMPT, *text[:length]], N_LOGITS)
        assert (followed.allowed(tokens, N_LOGITS) == fresh.allowed(tokens, N_LOGITS)).all()
    assert (
        followed.allowed([8, 9], N_LOGITS) == FollowedTokens(COMPILED, max_tokens=30).allowed([1], N_LOGITS)
    ).all()


def test_a_conversation_goes_on_with_one_processor() -> None:
    """The next prompt begins with the last prompt and its answer; the text after it is a text of its own."""
    processor = LlamaGrammarProcessor(COMPILED, max_tokens=12)
    process = llama(processor)
    prompt = list(PROMPT)
    for seed in range(4):
        chance = np.random.default_rng(seed)
        tokens = list(prompt)
        for _ in range(12):
            tokens.append(int(process(tokens, chance.random(N_LOGITS, dtype=np.float32)).argmax()))
            if tokens[-1] == EOS:
                break
        assert GRAMMAR.accepts(VOCABULARY.decode(tokens[len(prompt) :]).decode())
        prompt = [*tokens, 5, 6, 7]


def test_a_prompt_that_looks_like_a_draft() -> None:
    longer = [*PROMPT, *VOCABULARY.greedy_tokenize(b"[1")]
    processor = LlamaGrammarProcessor(COMPILED)
    process, scores = llama(processor), np.zeros(N_LOGITS, dtype=np.float32)
    first = process(PROMPT, scores)
    for length in range(len(PROMPT), len(longer) + 1):
        process(longer[:length], scores)
    assert (process(longer[:-1], scores) != first).any()
    processor.reset()
    assert (process(longer[:-1], scores) == first).all()


def test_errors() -> None:
    with pytest.raises(tt.BudgetTooSmallError):
        LlamaGrammarProcessor(COMPILED, max_tokens=2)
    followed = FollowedTokens(COMPILED)
    followed.allowed(PROMPT, N_LOGITS)
    with pytest.raises(tt.TokenRejectedError):
        followed.allowed([*PROMPT, EOS], N_LOGITS)
