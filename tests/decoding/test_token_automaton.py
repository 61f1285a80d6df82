"""Steps of a token automaton: a batch against its rows one by one, ends in time, the law of what is drawn.

That a step asks nothing of the host is shown by tracing it with tensors that have shapes and no data:
whatever copies a value to Python, or has a shape that depends on data, raises there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
import torch
from tokentrellis import (
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    TokenAutomaton,
    Vocabulary,
    compile_grammar,
    from_choices,
    from_json_schema,
    from_regex,
)
from tokentrellis.decoding.matcher import Matcher
from tokentrellis.decoding.token_automaton import AutomatonRows
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}
SCHEMA: dict[str, Any] = {
    **CLOSED,
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer"},
        "kind": {"enum": ["ab", "cd", None]},
    },
    "required": ["name", "kind"],
}
TREE: dict[str, Any] = {
    **CLOSED,
    "properties": {"a": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["a"],
}
TEXTS = [bytes([byte]) for byte in range(256)] + [
    b'"ab',
    b'":',
    b'","',
    b"ab",
    b'{"name',
    b"12",
    b"\xc3\xa9",
    b"]}",
]
EOS = [len(TEXTS), len(TEXTS) + 1]
VOCABULARY = Vocabulary([*TEXTS, b"", b"", b""], eos_token_ids=EOS, vocab_size=280)
PAD = len(TEXTS) + 2


def gumbel(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return -torch.log(-torch.log(torch.rand(shape, generator=generator).clamp(1e-9, 1 - 1e-7)))


def masked(logits: torch.Tensor, matcher: Matcher, budget: int | None) -> torch.Tensor:
    """One row by the matcher."""
    bitmask = np.zeros((1, (VOCABULARY.vocab_size + 31) // 32), dtype=np.int32)
    matcher.fill_bitmask(bitmask, budget=budget)
    allowed = np.unpackbits(bitmask[0].view(np.uint8), bitorder="little")[: VOCABULARY.vocab_size]
    row = torch.full_like(logits, float("-inf"))
    row[: VOCABULARY.vocab_size] = logits[: VOCABULARY.vocab_size].masked_fill(
        ~torch.from_numpy(allowed.astype(bool)), float("-inf")
    )
    return row


def text_of(tokens: list[int]) -> bytes:
    return b"".join(VOCABULARY.token_bytes(token) for token in tokens if token < len(TEXTS))


GRAMMARS = [from_json_schema(SCHEMA), from_regex("(ab|12){2,}[a-z]?"), from_choices(["ab", "abc", "\u00e9"])]


@pytest.mark.parametrize("noisy", [False, True])
def test_a_batch_is_its_rows_one_by_one(noisy: bool) -> None:
    compiled = [compile_grammar(grammar, VOCABULARY) for grammar in GRAMMARS]
    automaton = TokenAutomaton.join([grammar.token_automaton() for grammar in compiled])
    generator = torch.Generator().manual_seed(7)
    grammars = [row % len(compiled) for row in range(12)]
    needed = [compiled[grammar].matcher().tokens_to_finish for grammar in grammars]
    budgets = [None if row % 4 == 3 else needed[row] + row for row in range(12)]
    rows = automaton.start(12, budgets=budgets, grammars=grammars)
    matchers = [compiled[grammar].matcher() for grammar in grammars]
    left = list(budgets)
    for _ in range(40):
        logits = torch.randn(12, 288, generator=generator) * 3
        noise = gumbel((12, 280), generator) if noisy else None
        expected_rows = [
            masked(logits[row], matcher, left[row] if not matcher.is_terminated else None)
            for row, matcher in enumerate(matchers)
        ]
        tokens = automaton.step(logits, rows, noise=noise, pad_token_id=PAD)
        for row, matcher in enumerate(matchers):
            assert torch.equal(logits[row], expected_rows[row])
            if matcher.is_terminated:
                assert tokens[row] == PAD
                continue
            scores = expected_rows[row][:280]
            chosen = int((scores if noise is None else scores + noise[row]).argmax())
            assert tokens[row] == chosen
            matcher.accept_token(chosen)
            spent = left[row]
            left[row] = None if spent is None else spent - 1
            assert rows.left[row] == left[row] or left[row] is None
        assert rows.finished.tolist() == [matcher.is_terminated for matcher in matchers]
        assert not rows.rejected.any()
    bounded = [matcher for matcher, budget in zip(matchers, budgets, strict=True) if budget is not None]
    assert all(matcher.is_terminated for matcher in bounded)


@pytest.mark.parametrize("budget", [0, 1, 5, 60])
@pytest.mark.parametrize("schema", [SCHEMA, TREE], ids=["flat", "nested"])
def test_documents_are_valid_and_in_time(schema: dict[str, Any], budget: int) -> None:
    """Greedy and sampled, for logits that hate to end. budget: tokens more than the fewest."""
    compiled = compile_grammar(from_json_schema(schema), VOCABULARY)
    least = compiled.matcher().tokens_to_finish
    most = least + budget
    bound = None if schema is SCHEMA else min(most, least + 8)
    automaton = compiled.token_automaton(max_tokens=bound)
    most = most if bound is None else bound
    validator = jsonschema_rs.Draft202012Validator(schema)
    generator = torch.Generator().manual_seed(3)
    for draws in ("greedy", "noise", "uniforms"):
        rows = automaton.start(30, budgets=most)
        outputs: list[torch.Tensor] = []
        for _ in range(most):
            logits = torch.randn(30, 280, generator=generator)
            logits[:, EOS] -= 20
            options: dict[str, torch.Tensor] = {}
            if draws == "noise":
                options["noise"] = gumbel((30, 280), generator)
            elif draws == "uniforms":
                options["uniforms"] = torch.rand(30, generator=generator)
            outputs.append(automaton.step(logits, rows, **options))
        assert rows.finished.all()
        for tokens in torch.stack(outputs, dim=1).tolist():
            assert compiled.matcher().try_accept_tokens(tokens) == len(text_tokens(tokens)) + 1
            assert validator.is_valid(json.loads(text_of(tokens).decode("utf-8", "surrogatepass")))


def text_tokens(tokens: list[int]) -> list[int]:
    """Those before EOS."""
    return tokens[: min(tokens.index(end) for end in EOS if end in tokens)]


@pytest.mark.parametrize("how", ["noise", "uniforms"])
def test_draws_have_the_masked_distribution(how: str) -> None:
    automaton = compile_grammar(from_choices(["a", "b", "ab"]), VOCABULARY).token_automaton()
    n_rows = 40_000
    generator = torch.Generator().manual_seed(11)
    row = torch.randn(280, generator=generator) * 2
    row[ord("a")], row[ord("b")], row[TEXTS.index(b"ab")] = 0.3, 1.1, -0.5
    rows = automaton.start(n_rows)
    if how == "noise":
        options = {"noise": gumbel((n_rows, 280), generator)}
    else:
        options = {"uniforms": torch.rand(n_rows, generator=generator)}
    counts = Counter(automaton.step(row.repeat(n_rows, 1), rows, **options).tolist())
    expected = torch.tensor([0.3, 1.1, -0.5]).softmax(0)
    assert set(counts) == {ord("a"), ord("b"), TEXTS.index(b"ab")}
    for token, probability in zip((ord("a"), ord("b"), TEXTS.index(b"ab")), expected.tolist(), strict=True):
        deviation = (probability * (1 - probability) / n_rows) ** 0.5
        assert abs(counts[token] / n_rows - probability) < 5 * deviation


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_whatever_the_model_says_an_allowed_token_is_taken(value: float, dtype: torch.dtype) -> None:
    automaton = compile_grammar(from_choices(["ab", "12"]), VOCABULARY).token_automaton()
    for options in ({}, {"noise": torch.full((2, 280), value)}, {"uniforms": torch.tensor([0.0, 1.0])}):
        rows = automaton.start(2)
        for _ in range(4):
            automaton.step(torch.full((2, 280), value, dtype=dtype), rows, **options)
        assert rows.finished.all()


def test_tokens_chosen_elsewhere() -> None:
    automaton = compile_grammar(from_choices(["ab", "12"]), VOCABULARY).token_automaton()
    rows = automaton.start(4, budgets=[2, 3, None, 3])
    drafts = torch.tensor([[ord("a"), TEXTS.index(b"ab"), -1, 279, 5000]] * 4)
    assert automaton.allows_tokens(rows, drafts).tolist() == [
        [False, True, False, False, False],
        *[[True, True, False, False, False]] * 3,
    ]
    for dtype in (torch.uint8, torch.int16, torch.int32):
        assert automaton.allows_tokens(rows, drafts[:, :1].to(dtype)).tolist() == [[False], *[[True]] * 3]
    automaton.advance(rows, torch.tensor([TEXTS.index(b"ab"), ord("a"), ord("z"), -7]))
    assert rows.rejected.tolist() == [False, False, True, True]
    logits = automaton.mask_logits(torch.zeros(4, 280), rows)
    assert torch.isfinite(logits).sum(dim=1).tolist() == [2, 1, 0, 0]
    tokens = automaton.step(torch.zeros(4, 280), rows, pad_token_id=PAD)
    assert tokens.tolist() == [EOS[0], ord("b"), PAD, PAD]
    assert rows.finished.tolist() == [True, False, False, False]
    assert rows.rejected.tolist() == [False, False, True, True]
    assert automaton.allowed_tokens(rows)[0].nonzero().flatten().tolist() == EOS


@pytest.mark.parametrize("how", ["greedy", "noise", "uniforms", "advance"])
def test_a_step_asks_nothing_of_the_host(how: str) -> None:
    automaton = compile_grammar(GRAMMARS[0], VOCABULARY).token_automaton()
    given = automaton.start(3, budgets=60)

    def step(logits: torch.Tensor, states: torch.Tensor, left: torch.Tensor, drawn: torch.Tensor) -> Any:
        rows = AutomatonRows(states, left)
        if how == "advance":
            automaton.mask_logits(logits, rows)
            automaton.advance(rows, logits.argmax(dim=1))
            return rows.states
        options = {} if how == "greedy" else {how: drawn}
        return automaton.step(logits, rows, **options)

    drawn = torch.rand(3) if how == "uniforms" else torch.randn(3, 280)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = [mode.from_tensor(tensor) for tensor in (torch.randn(3, 288), given.states, given.left, drawn)]
        assert step(*fake).shape == (3,)  # raises where data would be needed
    logits = torch.randn(3, 288)
    graph = make_fx(step)(logits.clone(), given.states.clone(), given.left.clone(), drawn)
    names = {str(node.target) for node in graph.graph.nodes if node.op == "call_function"}
    assert not {
        name for name in names if "local_scalar" in name or "nonzero" in name or "_to_copy.device" in name
    }
    # The graph, replayed from other states, does what the step does.
    for _ in range(3):
        logits = torch.randn(3, 288)
        states, left = given.states.clone(), given.left.clone()
        expected = step(logits.clone(), given.states, given.left, drawn)
        assert torch.equal(graph(logits.clone(), states, left, drawn), expected)
        assert torch.equal(states, given.states)
        assert torch.equal(left, given.left)


def test_budgets_of_rows_are_checked() -> None:
    compiled = compile_grammar(from_json_schema(TREE, whitespace="compact"), VOCABULARY)
    needed = compiled.matcher().tokens_to_finish
    automaton = compiled.token_automaton(max_tokens=needed + 4)
    assert automaton.start(2).left.tolist() == [needed + 4] * 2
    with pytest.raises(BudgetTooSmallError) as caught:
        automaton.start(2, budgets=[needed, needed - 1])
    assert (caught.value.needed, caught.value.given) == (needed, needed - 1)
    with pytest.raises(ArgumentValueError, match="max_tokens"):
        automaton.start(1, budgets=needed + 5)
    for wrong in ([needed], "12", 1.5, [needed, "a"]):
        with pytest.raises((ArgumentValueError, ArgumentTypeError)):
            automaton.start(2, budgets=wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentValueError, match="grammars"):
        automaton.start(2, grammars=[0, 1])


def test_logits_are_checked() -> None:
    automaton = compile_grammar(from_choices(["ab"]), VOCABULARY).token_automaton()
    rows = automaton.start(2)
    for wrong in (torch.zeros(2, 279), torch.zeros(3, 280), torch.zeros(280)):
        with pytest.raises(ArgumentValueError, match="logits"):
            automaton.step(wrong, rows)
    unusable = (
        torch.zeros(1, 280).expand(2, 280),
        torch.zeros(2, 280, requires_grad=True),
        torch.zeros(2, 280).to(torch.float8_e5m2),
    )
    for logits in unusable:
        with pytest.raises(ArgumentTypeError, match="16 bits"):
            automaton.step(logits, rows)
    for not_floats in (torch.zeros(2, 280, dtype=torch.int64), np.zeros((2, 280))):
        with pytest.raises(ArgumentTypeError):
            automaton.step(not_floats, rows)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="start"):
        automaton.step(torch.zeros(2, 280), rows.states)  # type: ignore[arg-type]
    with pytest.raises(ArgumentValueError, match="not both"):
        automaton.step(torch.zeros(2, 280), rows, noise=torch.zeros(2, 280), uniforms=torch.zeros(2))
    with pytest.raises(ArgumentValueError, match="noise"):
        automaton.step(torch.zeros(2, 288), rows, noise=torch.zeros(2, 288))
    with pytest.raises(ArgumentTypeError, match="tokens"):
        automaton.advance(rows, torch.zeros(2))
    with pytest.raises(ArgumentValueError, match="device"):
        TokenAutomaton(automaton.tables, "no such device")
    with pytest.raises(ArgumentTypeError, match="TokenAutomaton"):
        TokenAutomaton.join([automaton.tables])  # type: ignore[list-item]


def test_tensors_are_the_tables() -> None:
    automaton = compile_grammar(GRAMMARS[1], VOCABULARY).token_automaton("cpu")
    for name in ("token_classes", "transitions", "costs", "accepting"):
        expected = getattr(automaton.tables, name)
        assert np.array_equal(getattr(automaton.tensors, name).numpy(), expected)
    assert f"{automaton.n_states} states" in repr(automaton)
    assert automaton.n_grammars == 1
    assert automaton.vocab_size == 280


def test_tables_need_no_tensor_library() -> None:
    code = """
import sys, tokentrellis as tt
vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
automaton = tt.compile_grammar(tt.from_choices(["a", "b"]), vocabulary).token_automaton()
masks, mask_of_state = automaton.tables.mask_rows()
print(automaton.n_states, masks.shape, "torch" in sys.modules)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["3", "(2,", "9)", "False"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_captured_graph_decodes() -> None:
    compiled = compile_grammar(GRAMMARS[0], VOCABULARY)
    automaton = compiled.token_automaton("cuda")
    rows = automaton.start(8, budgets=60)
    logits, output = torch.randn(8, 280, device="cuda"), torch.zeros(8, dtype=torch.int64, device="cuda")
    source = torch.randn(60, 8, 280, device="cuda")
    first = rows.states.clone(), rows.left.clone()
    automaton.step(logits, rows)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output.copy_(automaton.step(logits, rows))
    rows.states.copy_(first[0])
    rows.left.copy_(first[1])
    outputs = []
    torch.cuda.set_sync_debug_mode("error")
    for place in range(60):
        logits.copy_(source[place])
        graph.replay()
        outputs.append(output.clone())
    torch.cuda.set_sync_debug_mode("default")
    assert rows.finished.all()
    for tokens in torch.stack(outputs, dim=1).tolist():
        assert compiled.matcher().try_accept_tokens(tokens) == len(text_tokens(tokens)) + 1
