"""`Constraint`: asking about one token says what the mask says, and a predicate sees whole characters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.samplers.constraint import Constraint, ConstraintState, allowed_by_grammar


def mask_of(state: ConstraintState) -> list[int]:
    return allowed_by_grammar([state], state.constraint.vocab_size)[0].nonzero().squeeze(1).tolist()


class Recorder:
    """Accepts everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.prefixes: list[str] = []
        self.completes: list[str] = []

    def prefix(self, text: str) -> bool:
        self.prefixes.append(text)
        return True

    def complete(self, text: str) -> bool:
        self.completes.append(text)
        return True


@pytest.mark.parametrize("budget", [14, 16, 20, 60])
def test_single_checks_are_the_mask(small_vocabulary: tt.Vocabulary, budget: int) -> None:
    """Within every budget, along random texts."""
    schema = {"type": "array", "items": {"enum": [True, "ab", [1, [2, 3]], None]}, "minItems": 2}
    compiled = tt.compile_grammar(tt.from_json_schema(schema), small_vocabulary)
    random = np.random.default_rng(budget)
    for _ in range(6):
        state = Constraint(compiled, max_new_tokens=budget).start()
        while not state.is_finished:
            allowed = mask_of(state)
            asked = [token for token in range(-1, small_vocabulary.vocab_size + 40) if state.allows(token)]
            assert asked == allowed
            state = state.after(int(random.choice(allowed)))
        assert len(state.token_ids) <= budget
        assert state.text == small_vocabulary.decode(state.token_ids)


def test_without_a_grammar(small_vocabulary: tt.Vocabulary) -> None:
    state = Constraint(small_vocabulary, max_new_tokens=2).start()
    eos = small_vocabulary.eos_token_ids[0]
    allowed = mask_of(state)
    assert allowed == [*small_vocabulary.text_token_ids.tolist(), eos]
    last = state.after(allowed[0])
    assert mask_of(last) == [eos]
    for token in range(small_vocabulary.vocab_size):
        assert state.allows(token) == (token in allowed)
        assert last.allows(token) == (token == eos)
    assert not state.is_finished
    assert last.after(eos).is_finished


def test_states_are_left_as_they_are(small_vocabulary: tt.Vocabulary) -> None:
    compiled = tt.compile_grammar(tt.from_regex("ab|ae"), small_vocabulary)
    start = Constraint(compiled, max_new_tokens=5).start()
    ids = small_vocabulary.token_id_by_bytes
    one = start.after(ids[b"a"])
    first, second = one.after(ids[b"b"]), one.after(ids[b"e"])
    assert (start.text, one.text, first.text, second.text) == (b"", b"a", b"ab", b"ae")
    with pytest.raises(tt.TokenRejectedError):
        first.after(ids[b"b"])


@pytest.mark.parametrize("has_grammar", [True, False])
def test_the_state_before_a_place(small_vocabulary: tt.Vocabulary, has_grammar: bool) -> None:
    """Is that of a walk to there, after EOS too, and the later state is left as it is."""
    compiled = tt.compile_grammar(tt.from_regex("(ab|é){2,4}"), small_vocabulary)
    source: Any = compiled if has_grammar else small_vocabulary
    walk = [Constraint(source, max_new_tokens=20).start()]
    for token in [*small_vocabulary.greedy_tokenize("abéab".encode()), *small_vocabulary.eos_token_ids[:1]]:
        walk.append(walk[-1].after(token))
    for place, state in enumerate(walk):
        found = walk[-1].before(place)
        assert (found.token_ids, found.text, found.is_finished, found.left) == (
            state.token_ids,
            state.text,
            state.is_finished,
            state.left,
        )
        if not state.is_finished:
            assert mask_of(found) == mask_of(state)
    assert walk[-1].is_finished
    assert walk[-1].text == "abéab".encode()


def test_a_predicate_sees_whole_characters(byte_vocabulary: tt.Vocabulary) -> None:
    recorder = Recorder()
    constraint = Constraint(byte_vocabulary, predicate=recorder, max_new_tokens=20)
    state = constraint.start()
    for byte in "é😀a".encode():
        assert state.allows(byte)
        state = state.after(byte)
    assert recorder.prefixes == ["", "é", "é", "é", "é", "é😀", "é😀a"]
    assert state.allows(256)
    assert recorder.completes == ["é😀a"]
    half = constraint.start().after(0xC3)
    assert not half.allows(256), "half a character is no text"
    assert not half.allows(ord("a")), "this byte can never be part of a character"
    assert not constraint.start().allows(0xFF)


def test_answers_are_remembered(byte_vocabulary: tt.Vocabulary) -> None:
    recorder = Recorder()
    constraint = Constraint(byte_vocabulary, predicate=recorder, max_new_tokens=20)
    for _ in range(5):
        assert constraint.start().allows(ord("a"))
    assert recorder.prefixes == ["a"]
    assert constraint.n_checks == 1


def test_answers_must_be_answers(byte_vocabulary: tt.Vocabulary) -> None:
    """A forgotten return, or a coroutine, would be a no or a yes to everything."""

    class Says:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def prefix(self, text: str) -> Any:
            return self.answer

        complete = prefix

    class Later:
        async def prefix(self, text: str) -> bool:
            return True

        complete = prefix

    for answer in (None, 1, "yes", np.array([True, False])):
        constraint = Constraint(byte_vocabulary, predicate=Says(answer), max_new_tokens=3)
        with pytest.raises(tt.ArgumentTypeError, match=r"prefix\(text\) must answer True or False"):
            constraint.start().allows(ord("a"))
    yes = Constraint(byte_vocabulary, predicate=Says(np.True_), max_new_tokens=3)
    assert yes.start().allows(ord("a"))
    for wrong in (Says, Later()):
        with pytest.raises(tt.ArgumentTypeError, match="answer at once"):
            Constraint(byte_vocabulary, predicate=wrong, max_new_tokens=3)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"source": "a"}, tt.ArgumentTypeError),
        ({"predicate": len}, tt.ArgumentTypeError),
        ({"max_new_tokens": 0}, tt.ArgumentValueError),
        ({"max_new_tokens": 2}, tt.BudgetTooSmallError),
    ],
)
def test_wrong_arguments(byte_vocabulary: tt.Vocabulary, options: dict[str, Any], kind: type) -> None:
    compiled = tt.compile_grammar(tt.from_choices(["abc"]), byte_vocabulary)
    with pytest.raises(kind):
        Constraint(**{"source": compiled, "max_new_tokens": 9, **options})
