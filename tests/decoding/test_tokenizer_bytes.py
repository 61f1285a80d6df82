"""The bytes of real kinds of tokenizers, against what the tokenizers themselves encode and decode.

The two laws: the bytes of a text's encoding are the text (up to one space in front), and the bytes of any
sequence of tokens are what the tokenizer decodes it to (up to that space, where the bytes are whole
characters).
"""

from __future__ import annotations

import importlib
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.errors import VocabularyError
from tokentrellis.decoding.tokenizer_bytes import MOST_TOKENS
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.errors import LimitExceededError

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

from tests.decoding import tokenizers_made_here as made_here  # noqa: E402  (it needs both libraries)

TEXTS = [
    "",
    "x",
    " x",
    '{"name": "Zoë", "n": [1, 2.5e-3, null],\n\t"ok": true}',
    "naïve café 中文字 😀👩‍👩‍👧 \u0000\u007f\u0301",
    "  two  spaces\n\n\nand lines\r\n",
    "<|not a special token|> ▁ <0x0A> ## Ġ",
]
BYTE_LEVEL = made_here.byte_level()
METASPACE = made_here.metaspace_with_bytes()
UNIGRAM = made_here.unigram()
FAST = {
    "byte-level": BYTE_LEVEL,
    "metaspace": METASPACE,
    "unigram": UNIGRAM,
    "word piece": made_here.word_piece(),
}


def read(tokenizer: Any) -> Vocabulary:
    return Vocabulary.from_tokenizer(
        tokenizer, eos_token_ids=None if tokenizer.eos_token_id is not None else [0]
    )


def without_space(text: str) -> str:
    return text.removeprefix(" ")


def check_decoding(vocabulary: Vocabulary, decode: Callable[[list[int]], str], n_samples: int = 300) -> None:
    """The second law, on every single text token and on random sequences of them."""
    generator = random.Random(0)
    text_ids = vocabulary.text_token_ids.tolist()
    sequences = [[token_id] for token_id in text_ids[:: len(text_ids) // 1000 + 1]]
    sequences += [generator.choices(text_ids, k=generator.randint(2, 12)) for _ in range(n_samples)]
    n_compared = 0
    for ids in sequences:
        try:
            text = vocabulary.decode(ids).decode("utf-8")
        except UnicodeDecodeError:
            continue
        assert without_space(decode(ids)) == without_space(text), ids
        n_compared += 1
    assert n_compared > len(sequences) // 3


def check_encoding(
    vocabulary: Vocabulary, encode: Callable[[str], Sequence[int]], texts: Sequence[str]
) -> None:
    """The first law."""
    for text in texts:
        written = vocabulary.decode(encode(text))
        assert written in (text.encode(), b" " + text.encode())


# Fast tokenizers of transformers


@pytest.mark.parametrize("kind", FAST)
def test_fast_tokenizers_decode_to_the_same(kind: str) -> None:
    tokenizer = FAST[kind]
    # Metaspace drops all marks of the first piece, "▁▁x" is a rare piece: compare after an ordinary word.
    word = tokenizer.encode("the", add_special_tokens=False)
    start = tokenizer.decode(word, clean_up_tokenization_spaces=False)

    def decode(ids: list[int]) -> str:
        return tokenizer.decode([*word, *ids], clean_up_tokenization_spaces=False).removeprefix(start)

    check_decoding(read(tokenizer), decode)


@pytest.mark.parametrize("kind", ["byte-level", "metaspace"])
@given(text=st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_encoding_is_the_text(kind: str, text: str) -> None:
    tokenizer = FAST[kind]
    ids = tokenizer.encode(text, add_special_tokens=False)
    if set(ids) & set(tokenizer.all_special_ids):  # the text spells the name of a special token
        return
    written = read_once(kind).decode(ids)
    if kind == "byte-level":
        assert written == text.encode()
    else:  # "▁" is a space to this tokenizer, and it puts one in front of every text
        assert written == (" " + text.replace("▁", " ") if text else "").encode()


_VOCABULARIES: dict[str, Vocabulary] = {}


def read_once(kind: str) -> Vocabulary:
    if kind not in _VOCABULARIES:
        _VOCABULARIES[kind] = read(FAST[kind])
    return _VOCABULARIES[kind]


def test_byte_level_pieces() -> None:
    vocabulary = read(BYTE_LEVEL)
    piece_ids = BYTE_LEVEL.get_vocab()
    assert vocabulary.tokens[piece_ids["Ġtheory"]] == b" theory"
    assert vocabulary.missing_bytes(range(256)) == b""
    assert vocabulary.eos_token_ids == (piece_ids["<|end|>"],)
    assert vocabulary.special_token_by_name == {"<|end|>": 0, "<|pad|>": 1}


def test_byte_level_piece_outside_of_the_alphabet_stands_for_itself() -> None:
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"Ġa": 0, "a b": 1, "中Ġ": 2, "Ãx": 3}, "Ġa")
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[0])
    assert vocabulary.tokens[1:] == (b"a b", "中Ġ".encode(), b"\xc3x")


def test_metaspace_pieces() -> None:
    vocabulary = read(METASPACE)
    piece_ids = METASPACE.get_vocab()
    assert vocabulary.tokens[piece_ids["<0x0A>"]] == b"\n"
    assert vocabulary.tokens[piece_ids["<0xE4>"]] == b"\xe4"
    assert vocabulary.tokens[piece_ids["▁"]] == b" "
    assert vocabulary.missing_bytes(range(256)) == b""
    # The prefix space: the bytes are those that are appended, so it is there.
    assert vocabulary.decode(METASPACE.encode("the", add_special_tokens=False)) == b" the"


def test_byte_pieces_are_text_for_a_decoder_that_does_not_join_them() -> None:
    tokenizer = made_here.words(tokenizers.decoders.Metaspace(), **{"<0x0A>": 0, "▁a": 1, "b": 2})
    assert Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[2]).tokens == (b"<0x0A>", b" a", b"")


def test_word_piece() -> None:
    vocabulary = read(FAST["word piece"])
    piece_ids = FAST["word piece"].get_vocab()
    assert vocabulary.tokens[piece_ids["things"]] == b" things"
    assert vocabulary.tokens[piece_ids["##s"]] == b"s"
    assert vocabulary.tokens[piece_ids["."]] == b" ."
    assert b"[MASK]" not in vocabulary.tokens
    tidy = made_here.word_piece(cleanup=True)
    assert read(tidy).tokens[tidy.get_vocab()["."]] == b"."
    assert read(tidy).tokens[tidy.get_vocab()["things"]] == b" things"


def test_unigram_without_bytes_names_what_is_missing() -> None:
    vocabulary = read(UNIGRAM)
    assert vocabulary.tokens[UNIGRAM.get_vocab()["▁the"]] == b" the"
    assert vocabulary.tokens[UNIGRAM.get_vocab()["中"]] == "中".encode()
    missing = vocabulary.missing_bytes(b"the\r\xff\xe4")
    assert missing == b"\r\xe4\xff"
    assert vocabulary.missing_bytes(b"the\r\xff\xe4", alone=False) == b"\r\xff"


def test_added_tokens_never_match_as_text() -> None:
    tokenizer = made_here.with_added_tokens(made_here.byte_level())
    vocabulary = read(tokenizer)
    ids = tokenizer.convert_tokens_to_ids(["<tool_call>", "the", "<|im_end|>", "\n\n\n"])
    assert [vocabulary.token_bytes(token_id) for token_id in ids] == [b"", b"", b"", b"\n\n\n"]
    assert vocabulary.special_token_ids.issuperset(ids[:3])
    assert ids[3] not in vocabulary.special_token_ids
    assert vocabulary.special_token_by_name["<tool_call>"] == ids[0]
    assert vocabulary.special_token_by_name["<|im_end|>"] == ids[2]


# Raw tokenizers.Tokenizer, and odd decoders


def test_raw_tokenizer_knows_no_eos() -> None:
    raw = BYTE_LEVEL.backend_tokenizer
    with pytest.raises(
        VocabularyError, match=r"must name an end-of-sequence token.*eos_token_ids=\[\.\.\.\]"
    ):
        Vocabulary.from_tokenizer(raw)
    vocabulary = Vocabulary.from_tokenizer(raw, eos_token_ids=[0], vocab_size=512)
    assert vocabulary.tokens == read(BYTE_LEVEL).tokens
    assert vocabulary.vocab_size == 512


def test_explicit_eos_takes_the_place_of_the_tokenizers_own() -> None:
    vocabulary = Vocabulary.from_tokenizer(BYTE_LEVEL, eos_token_ids=[1])
    assert vocabulary.eos_token_ids == (1,)
    assert vocabulary.special_token_ids == {0, 1}
    # transformers gives one id or a list of them
    assert Vocabulary.from_tokenizer(BYTE_LEVEL, eos_token_ids=1) == vocabulary


def test_without_a_decoder_there_is_a_space_between_tokens() -> None:
    tokenizer = made_here.words()
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[0])
    assert vocabulary.tokens == (b"", b" the", b" fox", b" a", b" b", b" .")
    check_decoding(vocabulary, tokenizer.decode)


def test_suffix_decoder() -> None:
    tokenizer = made_here.with_suffix()
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[0])
    assert vocabulary.tokens[tokenizer.token_to_id("foxes</w>")] == b"foxes "
    last = tokenizer.token_to_id("a")
    check_decoding(vocabulary, lambda ids: tokenizer.decode([*ids, last]).removesuffix("a"))


def test_replacement_by_regular_expression() -> None:
    decoder = tokenizers.decoders.Replace(tokenizers.Regex("_+"), " ")
    tokenizer = made_here.words(decoder, __a=0, b_c=1, x=2)
    assert Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[2]).tokens == (b" a", b"b c", b"")


def test_decoder_written_in_python() -> None:
    class Upper:
        def decode(self, tokens: list[str]) -> str:
            return "".join(token.upper() for token in tokens)

        def decode_chain(self, tokens: list[str]) -> list[str]:
            return [token.upper() for token in tokens]

    tokenizer = made_here.words(tokenizers.decoders.Decoder.custom(Upper()))
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[0])
    assert vocabulary.tokens == (b"", b"THE", b"FOX", b"A", b"B", b".")


def test_unknown_token_of_a_raw_model_is_special() -> None:
    model = tokenizers.models.Unigram(
        [("a", -1.0), ("<unk>", 0.0), ("b", -2.0)], unk_id=1, byte_fallback=False
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[2])
    assert vocabulary.tokens == (b"a", b"", b"")
    assert vocabulary.special_token_by_name == {"<unk>": 1, "b": 2}


def test_ids_that_are_not_used_are_empty() -> None:
    vocabulary = Vocabulary.from_tokenizer(made_here.words(**{"a": 0, "b": 5, "": 3}), eos_token_ids=[5])
    assert vocabulary.tokens == (b" a", b"", b"", b"", b"", b"")


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        (tokenizers.decoders.CTC(), "merges equal neighbours"),
        (
            tokenizers.decoders.Sequence(
                [tokenizers.decoders.ByteLevel(), tokenizers.decoders.Replace("b", "x")]
            ),
            "do nothing else",
        ),
    ],
)
def test_decoders_without_bytes_for_a_token_are_refused(decoder: Any, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.from_tokenizer(made_here.words(decoder), eos_token_ids=[0])


def test_limit_on_ids() -> None:
    with pytest.raises(LimitExceededError, match="the number of token ids"):
        Vocabulary.from_tokenizer(made_here.words(a=0, b=MOST_TOKENS), eos_token_ids=[0])


@pytest.mark.parametrize("thing", [None, "gpt2", {"a": 0}, object()])
def test_other_objects_are_refused(thing: object) -> None:
    with pytest.raises(
        VocabularyError, match=r"got .*transformers.*tokenizers\.Tokenizer.*tiktoken.*sentencepiece"
    ):
        Vocabulary.from_tokenizer(thing)


def test_a_processor_is_told_where_its_tokenizer_is() -> None:
    class Processor:
        tokenizer = BYTE_LEVEL

    with pytest.raises(VocabularyError, match=r"pass its \.tokenizer"):
        Vocabulary.from_tokenizer(Processor())


# Slow tokenizers of transformers


def test_slow_byte_tokenizer() -> None:
    """ByT5: one token for each byte; the decoder alone would drop the halves of characters."""
    tokenizer = transformers.ByT5Tokenizer()
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert vocabulary.missing_bytes(range(256)) == b""
    assert vocabulary.eos_token_ids == (1,)
    check_encoding(vocabulary, lambda text: tokenizer.encode(text, add_special_tokens=False), TEXTS)


def test_slow_word_piece(tmp_path: Path) -> None:
    legacy = importlib.import_module("transformers.models.bert.tokenization_bert_legacy")
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "thing", "##s", "!"]))
    vocabulary = Vocabulary.from_tokenizer(legacy.BertTokenizerLegacy(str(file)), eos_token_ids=[3])
    assert vocabulary.tokens[5:] == (b" the", b" thing", b"s", b" !")
    assert len(vocabulary.special_token_ids) == 5


def test_slow_tokenizer_of_a_user() -> None:
    pieces = ["<eos>", "@a", "b", "@@", "c@", "é", "<0x0A>"]
    tokenizer = made_here.SlowTokenizer(pieces, lambda p: "".join(p).replace("@", " "), eos_token="<eos>")
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert vocabulary.tokens == (b"", b" a", b"b", b"  ", b"c ", "é".encode(), b"<0x0A>")
    check_decoding(vocabulary, tokenizer.decode)


def test_slow_byte_level_tokenizer() -> None:
    def join(pieces: list[str]) -> str:
        decoder = {character: byte for byte, character in enumerate(alphabet)}
        return bytes(decoder[character] for character in "".join(pieces)).decode("utf-8", "replace")

    from tokentrellis.decoding.tokenizer_bytes import _gpt2_alphabet

    alphabet = _gpt2_alphabet()
    assert set(alphabet) == set(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = Vocabulary.from_tokenizer(
        made_here.SlowTokenizer([*alphabet, "Ġthe", "<eos>"], join, eos_token="<eos>")
    )
    assert vocabulary.tokens == (*(bytes([byte]) for byte in range(256)), b" the", b"")


@pytest.mark.parametrize(
    "join",
    [
        lambda pieces: {"text": pieces},
        lambda pieces: "".join({"b": "b", "a": "a"}[piece] for piece in pieces),
        lambda pieces: "".join(pieces).replace("a", "\ufffd"),
        lambda pieces: "".join(dict.fromkeys(pieces)),
    ],
    ids=["not a text", "unknown piece", "no text of its own", "merges"],
)
def test_slow_tokenizers_that_cannot_be_read_are_refused(join: Callable[[list[str]], Any]) -> None:
    tokenizer = made_here.SlowTokenizer(["<eos>", "a", "b"], join, eos_token="<eos>")
    with pytest.raises(VocabularyError, match=r"tokenizer must|decoder must|token must"):
        Vocabulary.from_tokenizer(tokenizer)


# SentencePiece and tiktoken


def sentencepiece_model(**options: Any) -> Any:
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(made_here.CORPUS * 5), model_writer=model, minloglevel=2, **options
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_sentencepiece(model_type: str) -> None:
    processor = sentencepiece_model(
        model_type=model_type,
        vocab_size=340,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        control_symbols=["<tool>"],
        hard_vocab_limit=False,
    )
    vocabulary = Vocabulary.from_tokenizer(processor)
    assert vocabulary.eos_token_ids == (processor.eos_id(),)
    assert vocabulary.special_token_by_name == {"<unk>": 0, "<s>": 1, "</s>": 2, "<tool>": 3}
    assert vocabulary.missing_bytes(range(256)) == b""
    check_encoding(
        vocabulary, processor.encode, [text for text in TEXTS if "▁" not in text and "\0" not in text]
    )
    check_decoding(vocabulary, lambda ids: processor.decode([processor.piece_to_id("<0x21>"), *ids])[1:])


def test_sentencepiece_without_eos() -> None:
    processor = sentencepiece_model(model_type="bpe", vocab_size=80, eos_id=-1)
    with pytest.raises(VocabularyError, match="must name an end-of-sequence token"):
        Vocabulary.from_tokenizer(processor)


def test_slow_tokenizer_on_sentencepiece_with_other_ids(tmp_path: Path) -> None:
    """A slow tokenizer may number the pieces anew; its model still knows which ones are bytes."""
    processor = sentencepiece_model(
        model_type="bpe", vocab_size=340, byte_fallback=True, hard_vocab_limit=False
    )

    pieces = [processor.id_to_piece(token_id) for token_id in reversed(range(processor.get_piece_size()))]
    tokenizer = made_here.SlowTokenizer(pieces, "".join, eos_token="</s>", bos_token="<s>", unk_token="<unk>")
    tokenizer.sp_model = processor
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert vocabulary.tokens == tuple(reversed(Vocabulary.from_tokenizer(processor).tokens))
    assert vocabulary.eos_token_ids == (len(pieces) - 1 - processor.eos_id(),)


def tiktoken_encoding(**options: Any) -> Any:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([byte]): byte for byte in range(256)}
    ranks |= {b"th": 256, b"the": 257, b" the": 258, b"\xe4\xb8": 259, b"\n\n": 260}
    special = {"<|endoftext|>": 262, "<|im_end|>": 264}
    pattern = r"\s?\w+|\s+|[^\s\w]+"
    return tiktoken.Encoding(
        "here", pat_str=pattern, mergeable_ranks=ranks, special_tokens=options.get("special", special)
    )


def test_tiktoken() -> None:
    encoding = tiktoken_encoding()
    vocabulary = Vocabulary.from_tokenizer(encoding)
    assert vocabulary.tokens[256:] == (b"th", b"the", b" the", b"\xe4\xb8", b"\n\n", b"", b"", b"", b"")
    assert vocabulary.eos_token_ids == (262,)
    assert vocabulary.special_token_by_name == {"<|endoftext|>": 262, "<|im_end|>": 264}
    check_encoding(vocabulary, encoding.encode_ordinary, TEXTS)


def test_tiktoken_without_eos() -> None:
    encoding = tiktoken_encoding(special={"<|stop|>": 261})
    with pytest.raises(VocabularyError, match="must name an end-of-sequence token"):
        Vocabulary.from_tokenizer(encoding)
    assert Vocabulary.from_tokenizer(encoding, eos_token_ids=[261]).n_tokens == 262


def test_slow_tokenizer_on_tiktoken() -> None:
    encoding = tiktoken_encoding()
    tokenizer = made_here.SlowTokenizer(["<|endoftext|>"], "".join)
    tokenizer.model = encoding
    assert Vocabulary.from_tokenizer(tokenizer) == Vocabulary.from_tokenizer(encoding)


# Large vocabularies


def test_llama3(shared_data: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(shared_data / "llama3"))
    vocabulary = Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[128001, 128009])
    assert (vocabulary.n_tokens, len(vocabulary.text_token_ids)) == (128256, 128000)
    assert vocabulary.special_token_by_name["<|eot_id|>"] == 128009
    assert vocabulary.missing_bytes(range(256)) == b""
    check_encoding(vocabulary, lambda text: tokenizer.encode(text, add_special_tokens=False), TEXTS)
    check_decoding(vocabulary, tokenizer.decode)


def test_llama2(shared_data: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(
        model_file=str(shared_data / "llama2.sentencepiece.model")
    )
    vocabulary = Vocabulary.from_tokenizer(processor)
    assert vocabulary.n_tokens == 32000
    assert vocabulary.special_token_by_name == {"<unk>": 0, "<s>": 1, "</s>": 2}
    assert vocabulary.missing_bytes(range(256)) == b""
    check_encoding(vocabulary, processor.encode, [text for text in TEXTS if "▁" not in text])
    check_decoding(vocabulary, lambda ids: processor.decode([processor.piece_to_id("<0x21>"), *ids])[1:])
