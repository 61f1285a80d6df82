"""The class: what it keeps, what it refuses, and that it does not change."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.decoding import vocabulary as vocabulary_module
from tokentrellis.decoding.errors import VocabularyError
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.errors import ConstraintError, LimitExceededError

TOKENS = [b"a", b"", b"ab", b"<eos>", b"ab", b"<tool>", b"\xff\x00"]


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(TOKENS, eos_token_ids=[3, 8], special_token_ids={5}, vocab_size=10)


def test_attributes(vocabulary: Vocabulary) -> None:
    assert vocabulary.tokens == (b"a", b"", b"ab", b"", b"ab", b"", b"\xff\x00")
    assert (vocabulary.n_tokens, vocabulary.vocab_size, len(vocabulary)) == (7, 10, 10)
    assert vocabulary.eos_token_ids == (3, 8)
    assert vocabulary.special_token_ids == {3, 5, 8}
    assert vocabulary.special_token_by_name == {"<eos>": 3, "<tool>": 5}
    assert vocabulary.special_names == {3: "<eos>", 5: "<tool>"}
    assert vocabulary.text_token_ids.tolist() == [0, 2, 4, 6]


@given(
    tokens=st.lists(st.binary(max_size=4), min_size=1, max_size=30),
    data=st.data(),
)
def test_flat_arrays_are_the_tokens(tokens: list[bytes], data: st.DataObject) -> None:
    ids = st.integers(0, len(tokens) - 1)
    eos = data.draw(st.lists(ids, min_size=1, max_size=2))
    special = data.draw(st.sets(ids, max_size=3))
    vocabulary = Vocabulary(tokens, eos_token_ids=eos, special_token_ids=special)
    buffer, offsets = vocabulary.token_buffer, vocabulary.token_offsets
    assert (buffer.dtype, offsets.dtype, offsets.shape) == (np.uint8, np.int32, (len(tokens) + 1,))
    for token_id, token in enumerate(tokens):
        expected = b"" if token_id in special.union(eos) else token
        assert buffer[offsets[token_id] : offsets[token_id + 1]].tobytes() == expected
        assert vocabulary.tokens[token_id] == vocabulary.token_bytes(token_id) == expected
        assert (token_id in vocabulary.text_token_ids) == (expected != b"")


def test_is_immutable(vocabulary: Vocabulary) -> None:
    for array in (vocabulary.token_buffer, vocabulary.token_offsets, vocabulary.text_token_ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError, match="immutable"):
        vocabulary.tokens = ()  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del vocabulary.tokens
    with pytest.raises(TypeError):
        vocabulary.special_token_by_name["x"] = 1  # type: ignore[index]
    tokens = list(TOKENS)
    made = Vocabulary(tokens, eos_token_ids=[3])
    tokens[0] = b"changed"
    assert made.tokens[0] == b"a"


def test_decode_leaves_out_what_is_not_text(vocabulary: Vocabulary) -> None:
    assert vocabulary.decode([0, 5, 2, 1, 9, 6, 3]) == b"aab\xff\x00"
    assert vocabulary.decode(np.array([0, 2])) == b"aab"
    for token_id in (-1, 10):
        with pytest.raises(VocabularyError, match=r"from 0 to 9, got"):
            vocabulary.token_bytes(token_id)


@given(text=st.binary(max_size=30))
def test_greedy_tokenize_spells_the_text(text: bytes) -> None:
    tokens = [bytes([byte]) for byte in range(256)] + [
        b"\x00\x00",
        b"\x00\x00\x00\x00",
        b"ab",
        b"ab",
        b"<eos>",
    ]
    vocabulary = Vocabulary(tokens, eos_token_ids=[260])
    token_ids = vocabulary.greedy_tokenize(text)
    assert vocabulary.decode(token_ids) == text
    rest = text
    for token_id in token_ids:
        assert not any(rest.startswith(t) and len(t) > len(tokens[token_id]) for t in tokens[:260])
        rest = rest[len(tokens[token_id]) :]
        assert token_id != 259  # of two equal tokens the first


def test_greedy_tokenize_says_where_it_is_stuck(vocabulary: Vocabulary) -> None:
    with pytest.raises(VocabularyError, match="byte 3 of the text") as raised:
        vocabulary.greedy_tokenize(b"aab!")
    assert raised.value.missing_bytes == b"!"
    # "<eos>" is the name of a special token: no text is spelled with it.
    with pytest.raises(VocabularyError, match="byte 0"):
        vocabulary.greedy_tokenize(b"<eos>")


def test_missing_bytes(vocabulary: Vocabulary, byte_vocabulary: Vocabulary) -> None:
    assert vocabulary.missing_bytes(b"baa\xff<") == b"<b\xff"
    assert vocabulary.missing_bytes(b"ba\xff<", alone=False) == b"<"
    assert vocabulary.missing_bytes((1 << ord("a")) | (1 << ord("b")) | (1 << 255)) == b"b\xff"
    assert byte_vocabulary.missing_bytes(range(256)) == b""


def test_fingerprint_equality_and_pickle(vocabulary: Vocabulary) -> None:
    twin = Vocabulary(TOKENS, eos_token_ids=[3, 8], special_token_ids=[5, 3], vocab_size=10)
    assert twin == vocabulary
    assert hash(twin) == hash(vocabulary)
    others = [
        Vocabulary(TOKENS, eos_token_ids=[8, 3], special_token_ids=[5], vocab_size=10),
        Vocabulary(TOKENS, eos_token_ids=[3, 8], special_token_ids=[5], vocab_size=11),
        Vocabulary(TOKENS, eos_token_ids=[3, 8], special_token_ids=[], vocab_size=10),
        Vocabulary(
            [b"aa", b"", b"b", *TOKENS[3:]], eos_token_ids=[3, 8], special_token_ids=[5], vocab_size=10
        ),
        Vocabulary(
            [*TOKENS[:5], b"<x>", TOKENS[6]], eos_token_ids=[3, 8], special_token_ids=[5], vocab_size=10
        ),
    ]
    assert len({v.fingerprint for v in [vocabulary, *others]}) == 6
    assert vocabulary != "vocabulary"

    copy = pickle.loads(pickle.dumps(vocabulary))
    assert copy == vocabulary
    assert copy.tokens == vocabulary.tokens
    assert copy.special_token_by_name == vocabulary.special_token_by_name
    assert copy.special_names == vocabulary.special_names
    assert not copy.token_offsets.flags.writeable


def test_fingerprint_is_the_same_in_another_process(vocabulary: Vocabulary) -> None:
    """Python's own hashes of strings and sets differ between processes; this one must not."""
    program = (
        "from tokentrellis.decoding.vocabulary import Vocabulary;"
        f"v = Vocabulary({TOKENS!r}, eos_token_ids=[3, 8], special_token_ids={{5}}, vocab_size=10);"
        "print(v.fingerprint)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": path}
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == vocabulary.fingerprint


def test_name_that_is_not_utf8_survives_the_pickle() -> None:
    vocabulary = Vocabulary([b"a", b"\xff"], eos_token_ids=[1])
    assert pickle.loads(pickle.dumps(vocabulary)) == vocabulary


def test_lazy_table_can_be_made_by_many_threads(small_vocabulary: Vocabulary) -> None:
    fresh = pickle.loads(pickle.dumps(small_vocabulary))
    found: list[list[int]] = []
    threads = [
        threading.Thread(target=lambda: found.append(fresh.greedy_tokenize(b'{"ab": 12}'))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(ids == small_vocabulary.greedy_tokenize(b'{"ab": 12}') for ids in found)


def test_repr_names_what_matters(vocabulary: Vocabulary) -> None:
    assert repr(vocabulary) == "<Vocabulary of 7 tokens (4 text, 3 special), EOS 3 '<eos>', 8, vocab_size 10>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": [b"a", "b"], "eos_token_ids": [0]}, "must be bytes, got <class 'str'>; encode"),
        ({"tokens": [b"a"], "eos_token_ids": []}, "at least one id must end a text"),
        ({"tokens": [b"a"], "eos_token_ids": [1]}, "eos_token_ids: a token id must be from 0 to 0, got 1"),
        ({"tokens": [b"a"], "eos_token_ids": [-1]}, "got -1"),
        ({"tokens": [b"a"], "eos_token_ids": [None]}, "must be integers"),
        ({"tokens": [b"a"], "eos_token_ids": 0}, "must be integers"),
        ({"tokens": [b"a"], "eos_token_ids": [0], "special_token_ids": [7]}, "special_token_ids: a token"),
        ({"tokens": [b"a", b"b"], "eos_token_ids": [0], "vocab_size": 1}, "vocab_size must be at least"),
        ({"tokens": [b"a", b"b"], "eos_token_ids": [0], "vocab_size": 2.5}, "vocab_size must be an integer"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        Vocabulary(**arguments)  # type: ignore[arg-type]


def test_limits() -> None:
    with pytest.raises(LimitExceededError, match="of token 1 must be at most 65535, got 65536"):
        Vocabulary([b"a", b"b" * 65536], eos_token_ids=[0])
    with pytest.raises(LimitExceededError, match="vocab_size must be at most"):
        Vocabulary([b"a"], eos_token_ids=[0], vocab_size=vocabulary_module.MOST_TOKENS + 1)
    assert issubclass(LimitExceededError, ConstraintError)


def test_the_shared_fixtures(small_vocabulary: Vocabulary, byte_vocabulary: Vocabulary) -> None:
    """Other tests rely on these."""
    assert byte_vocabulary.decode(range(257)) == bytes(range(256))
    needed = b'{}[]:,"\\ \n-+.0123456789truefalsenullE'
    assert small_vocabulary.missing_bytes(needed) == b""
    assert b"\xc3" in small_vocabulary.tokens
    assert small_vocabulary.tokens.count(b"ab") == 2
    assert small_vocabulary.eos_token_ids == (small_vocabulary.n_tokens - 1,)


def test_vocabulary_needs_no_tokenizer_library() -> None:
    """Neither torch nor transformers nor any tokenizer library is imported by the module."""
    program = (
        "import sys; import tokentrellis.decoding.vocabulary;"
        "print({'torch', 'transformers', 'tokenizers', 'tiktoken', 'sentencepiece'} & set(sys.modules))"
    )
    path = os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parents[2])])
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == "set()"
