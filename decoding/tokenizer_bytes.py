"""What each token of a tokenizer writes: a tokenizer object in, the bytes of its tokens by id out.

The engine works on the bytes that a token *appends* to the text so far. Tokenizers keep something else:
pieces in an alphabet of their own (`Ġthe`, `▁the`, `##ing`, `<0x0A>`) and a decoder that turns a whole list
of pieces into text. The class or the name of a tokenizer does not tell which alphabet it has, so nothing is
guessed from them; the tokenizer's own decoder is asked:

- **Byte-level** decoders map every character of a piece to one byte (GPT-2's alphabet). They are recognised
  by joining the pieces of the two halves of "é"; then the map is applied to the whole vocabulary at once by
  a table.
- All others are **probed**: the decoder is called once, on all pieces with an anchor between them,
  `[anchor, piece 0, anchor, piece 1, anchor ...]`, and the text is split at the anchors. The anchor is a
  character that no piece contains. Metaspace, WordPiece, BPE with suffixes, replacements, Python decoders:
  one rule for all, and what comes out is what the tokenizer writes inside a text. `<0xNN>` is one byte if
  the decoder joins such pieces.
- SentencePiece models and tiktoken encodings, also inside a tokenizer that wraps one, give pieces or bytes
  directly.

What follows from "inside a text": `▁the` and WordPiece's `the` are b" the", and `##ing` is b"ing". Many
decoders drop that space at the very start of a text; the engine does not, because it appends to a prompt.
So the bytes of a text's encoding equal the text up to this one space in front (and up to what the
tokenizer's normalizer changes).

Cost: linear; 128,000 tokens take some 50 ms, half of them to get the pieces from the tokenizer.
Source of the byte alphabet: Radford et al. 2019 (GPT-2); of `▁` and `<0xNN>`: Kudo and Richardson 2018,
SentencePiece.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..grammars.errors import LimitExceededError
from .errors import VocabularyError

MOST_TOKENS = 2**22  # about four times the largest vocabulary known (CANINE: one id per code point)

_ACCEPTED = (
    "pass a transformers tokenizer (fast or slow), a tokenizers.Tokenizer, a tiktoken.Encoding or a "
    "sentencepiece.SentencePieceProcessor, or build Vocabulary(tokens, eos_token_ids=[...]) from the bytes"
)
_UNIGRAM_UNKNOWN = re.compile(rb'{"type":"Unigram","unk_id":(\d+),')
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# The bytes C3 A9, "é" in UTF-8: both characters stand for themselves in GPT-2's alphabet.
_HALVES = ("Ã", "©")
_NO_BYTE = 256


class Spelling(NamedTuple):
    """The bytes of many pieces, one piece after the other, and where each ends."""

    data: bytes
    ends: npt.NDArray[np.int64]

    @classmethod
    def join(cls, spelled: Sequence[bytes]) -> Spelling:
        """Of the bytes of each piece."""
        return cls(b"".join(spelled), _ends(spelled))

    def of(self, index: int) -> bytes:
        return self.data[self.ends[index - 1] if index else 0 : self.ends[index]]


@dataclass(frozen=True)
class TokenizerContents:
    """What a tokenizer knows of itself.

    `tokens`: bytes by id, empty for ids that are not used. `special_names`: the ids that never match as text,
    with the name of each (`"<|eot_id|>"`). `eos_token_id`: None if the tokenizer names no such token.
    """

    tokens: Spelling
    special_names: Mapping[int, str]
    eos_token_id: int | None


def read_tokenizer(tokenizer: object) -> TokenizerContents:
    """Read any tokenizer of the kinds that are accepted.

    Special are the tokens that the tokenizer calls special, control or unknown, and all added tokens. One
    exception: an added token of white space alone is text unless it is marked special, because GPT-NeoX and
    Gemma keep their runs of spaces and line feeds as added tokens.

    Raises:
        VocabularyError: the object is no tokenizer, or its tokens have no bytes of their own.
        LimitExceededError: an id above `MOST_TOKENS`.
    """
    # An object of one of these classes exists only where its module has been imported.
    for module_name, class_name, read in _READERS:
        if _is_instance(tokenizer, module_name, class_name):
            return read(tokenizer)
    advice = _ACCEPTED
    if hasattr(tokenizer, "tokenizer"):  # a processor of a model for text and images
        advice = f"pass its .tokenizer; otherwise {_ACCEPTED}"
    raise VocabularyError("the tokenizer must be of a known kind", got=type(tokenizer), advice=advice)


def spell_pieces(pieces: Sequence[str], join: Callable[[list[str]], Any]) -> Spelling:
    """The bytes that each piece writes inside a text, where `join` is the tokenizer's own way from pieces
    to text.

    Args:
        pieces: in any order; an empty piece writes nothing.
        join: the decoder; it must write each piece independently of the others, but for the ends of the text.

    Raises:
        VocabularyError: the decoder merges pieces, or a piece has no bytes of its own.
    """
    try:
        if join(["b", "b"]) == join(["b"]):
            raise VocabularyError(
                "the tokenizer must write every token, but its decoder merges equal neighbours (CTC)",
                advice=_ACCEPTED,
            )
        if join(list(_HALVES)) == "é":
            return _spell_byte_level(pieces, join)
        byte_pieces = join(["<0xC3>", "<0xA9>"]) == "é"
        return _probe(pieces, join, byte_pieces)
    # What the decoder of a user's own tokenizer raises when it meets a piece that it does not know.
    except (AttributeError, LookupError, TypeError, RuntimeError) as error:
        raise VocabularyError(
            "the tokenizer's decoder must accept any list of its pieces", got=error, advice=_ACCEPTED
        ) from error


def _spell_byte_level(pieces: Sequence[str], join: Callable[[list[str]], Any]) -> Spelling:
    """One character is one byte. A piece with a character outside of the alphabet stands for its UTF-8."""
    # ByT5 takes the character with the number of the byte: its space is " ", where GPT-2's is "Ġ".
    alphabet = _gpt2_alphabet() if any("Ġ" in piece for piece in pieces) else [chr(i) for i in range(256)]
    ends, values = _look_up(pieces, alphabet)
    outside = np.unique(np.searchsorted(ends, np.flatnonzero(values == _NO_BYTE), side="right")).tolist()
    if outside:
        pieces = list(pieces)
        for index in outside:
            pieces[index] = "".join(alphabet[byte] for byte in _encode(pieces[index]))
        ends, values = _look_up(pieces, alphabet)
    spelling = Spelling(values.astype(np.uint8).tobytes(), ends)

    # The table knows nothing of further steps that the decoder may take: compare the two on a sample, but for
    # halves of characters, which decoders replace or leave out.
    for index in range(0, len(pieces), len(pieces) // 256 + 1):
        text = join([*_HALVES, pieces[index]]).replace("\ufffd", "")
        if text != "é" + spelling.of(index).decode("utf-8", "ignore").replace("\ufffd", ""):
            raise VocabularyError(
                "the tokenizer's byte-level decoder must map characters to bytes and do nothing else",
                got=pieces[index],
                advice=_ACCEPTED,
            )
    return spelling


def _look_up(
    pieces: Sequence[str], alphabet: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]:
    """Where each piece ends, and the byte values of all characters, `_NO_BYTE` outside of the alphabet."""
    table = np.full(ord(max(alphabet)) + 2, _NO_BYTE, dtype=np.uint16)
    table[[ord(character) for character in alphabet]] = np.arange(256)
    code_points = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return _ends(pieces), table[np.minimum(code_points, len(table) - 1)]


def _gpt2_alphabet() -> list[str]:
    """Character by byte value: printable bytes stand for themselves, the others follow from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def _probe(pieces: Sequence[str], join: Callable[[list[str]], Any], byte_pieces: bool) -> Spelling:
    """One call of the decoder on all pieces, with an anchor around each; see the head of this file."""
    spelled = [b""] * len(pieces)
    probed = []  # indices of the pieces that the decoder is asked about
    for index, piece in enumerate(pieces):
        if byte_pieces and len(piece) == 6 and (match := _BYTE_PIECE.fullmatch(piece)):
            spelled[index] = bytes([int(match[1], 16)])
        elif piece:
            probed.append(index)

    characters = set("".join(pieces))
    anchor = next(c for c in map(chr, range(0xE000, 0x110000)) if c not in characters)
    # What is written before an anchor in any case: a space, if the decoder puts spaces between pieces.
    _, gap, _ = _split(join([anchor, anchor]), anchor, 3)
    sequence = [anchor] * (2 * len(probed) + 1)
    sequence[1::2] = [pieces[index] for index in probed]
    texts = _split(join(sequence), anchor, len(probed) + 2)[1:-1]
    for index, text in zip(probed, texts, strict=True):
        if not text.endswith(gap) or ("\ufffd" in text and "\ufffd" not in pieces[index]):
            raise VocabularyError(
                "every token must write text of its own", got=pieces[index], advice=_ACCEPTED
            )
        spelled[index] = _encode(text[: len(text) - len(gap)])
    return Spelling.join(spelled)


def _ends(items: Sequence[str] | Sequence[bytes]) -> npt.NDArray[np.int64]:
    return np.cumsum(np.fromiter(map(len, items), dtype=np.int64, count=len(items)))


def _split(text: object, anchor: str, n_parts: int) -> list[str]:
    parts = text.split(anchor) if isinstance(text, str) else []
    if len(parts) != n_parts:
        raise VocabularyError(
            "the tokenizer's decoder must write every piece that it is given",
            got=type(text),
            advice=_ACCEPTED,
        )
    return parts


def _encode(text: str) -> bytes:
    # A lone surrogate has no UTF-8; its three bytes match no valid text, so such a token is never allowed.
    return text.encode("utf-8", "surrogatepass")


# One reader for each kind of tokenizer.


def _read_transformers(tokenizer: Any) -> TokenizerContents:
    """Fast tokenizers through their `tokenizers.Tokenizer`, slow ones through what they are built on."""
    special = frozenset(int(i) for i in tokenizer.all_special_ids if i is not None)
    if tokenizer.is_fast:
        return _read_fast(tokenizer.backend_tokenizer, special, tokenizer.eos_token_id)
    encoding = _part(tokenizer, "tiktoken", "Encoding")
    if encoding is not None:
        contents = _read_tiktoken(encoding)
        names = {i: name for i, name in contents.special_names.items() if i not in special}
        names |= {
            i: tokenizer.convert_ids_to_tokens(i) for i in special if 0 <= i < len(contents.tokens.ends)
        }
        eos_token_id = contents.eos_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
        return TokenizerContents(contents.tokens, names, eos_token_id)

    vocabulary = tokenizer.get_vocab()
    pieces = list(vocabulary)
    processor = _part(tokenizer, "sentencepiece", "SentencePieceProcessor")
    if processor is None:
        spelling = spell_pieces(pieces, tokenizer.convert_tokens_to_string)
    else:  # its ids may differ from those of the tokenizer: look up by piece
        model_ids = [processor.piece_to_id(piece) for piece in pieces]
        spelling = _spell_sentencepiece(processor, pieces, model_ids)
        is_control = processor.is_control(model_ids)
        special |= {vocabulary[piece] for piece, control in zip(pieces, is_control, strict=True) if control}
    tokens = _by_id(vocabulary, spelling)
    special = _with_added(special, tokenizer.added_tokens_decoder, tokens)
    return TokenizerContents(tokens, _names(special, tokenizer.convert_ids_to_tokens), tokenizer.eos_token_id)


def _read_tokenizers(backend: Any) -> TokenizerContents:
    """A `tokenizers.Tokenizer` alone; of the special tokens its model knows the unknown one."""
    unknown = backend.token_to_id(getattr(backend.model, "unk_token", None) or "")
    if type(backend.model).__name__ == "Unigram":  # it tells the id only when it is saved
        match = _UNIGRAM_UNKNOWN.match(backend.model.__getstate__())
        unknown = int(match[1]) if match else None
    return _read_fast(backend, () if unknown is None else (unknown,), None)


def _read_fast(backend: Any, special: Iterable[int], eos_token_id: int | None) -> TokenizerContents:
    # Without a decoder, the library puts one space between two tokens.
    join = " ".join if backend.decoder is None else backend.decoder.decode
    pieces = _pieces_by_id(backend)
    if pieces is None:
        vocabulary = backend.get_vocab(with_added_tokens=True)
        tokens = _by_id(vocabulary, spell_pieces(list(vocabulary), join))
    else:
        tokens = spell_pieces(pieces, join)
    special = _with_added(special, backend.get_added_tokens_decoder(), tokens)
    return TokenizerContents(tokens, _names(special, backend.id_to_token), eos_token_id)


def _pieces_by_id(backend: Any) -> list[str] | None:
    """The pieces of ids without gaps, or None. To ask for each takes a third of the time of `get_vocab`,
    which copies its table first; and neighbours in the order of the ids lie together in memory.
    """
    n_tokens = _checked_size(backend.get_vocab_size(with_added_tokens=True))
    pieces = list(map(backend.id_to_token, range(n_tokens)))
    return pieces if pieces and None not in pieces and backend.id_to_token(n_tokens) is None else None


def _read_tiktoken(encoding: Any) -> TokenizerContents:
    names = {encoding.encode_single_token(name): name for name in encoding.special_tokens_set}
    n_tokens = _checked_size(encoding.max_token_value + 1)
    try:
        tokens = encoding.decode_tokens_bytes(range(n_tokens))
    except KeyError:  # some ids are not used
        tokens = [_tiktoken_bytes(encoding, token_id) for token_id in range(n_tokens)]
    eos_token_id = next((i for i, name in names.items() if name == "<|endoftext|>"), None)
    return TokenizerContents(Spelling.join(tokens), names, eos_token_id)


def _tiktoken_bytes(encoding: Any, token_id: int) -> bytes:
    try:
        return bytes(encoding.decode_single_token_bytes(token_id))
    except KeyError:
        return b""


def _read_sentencepiece(processor: Any) -> TokenizerContents:
    """User-defined pieces are text, as SentencePiece has it; control, unknown and unused ones are not."""
    ids = list(range(_checked_size(processor.get_piece_size())))
    pieces = processor.id_to_piece(ids)
    tokens = _spell_sentencepiece(processor, pieces, ids)
    kinds = zip(processor.is_control(ids), processor.is_unknown(ids), processor.is_unused(ids), strict=True)
    names = {token_id: pieces[token_id] for token_id, kind in enumerate(kinds) if any(kind)}
    return TokenizerContents(tokens, names, processor.eos_id() if processor.eos_id() >= 0 else None)


def _spell_sentencepiece(processor: Any, pieces: Sequence[str], model_ids: list[int]) -> Spelling:
    return Spelling.join(
        [
            bytes([int(piece[3:5], 16)]) if is_byte else _encode(piece.replace("▁", " "))
            for piece, is_byte in zip(pieces, processor.is_byte(model_ids), strict=True)
        ]
    )


# What the readers share.


def _by_id(vocabulary: Mapping[str, int], spelling: Spelling) -> Spelling:
    """Tokens by id, empty where an id is not used; the spelling is in the order of `vocabulary`."""
    ids = np.fromiter(vocabulary.values(), dtype=np.int64, count=len(vocabulary))
    if not len(ids) or ids.min() < 0:
        raise VocabularyError(
            "the tokenizer must have tokens with ids from 0 on", got=len(vocabulary), advice=_ACCEPTED
        )
    starts = np.zeros(_checked_size(int(ids.max()) + 1), dtype=np.int64)
    ends = np.zeros_like(starts)
    starts[ids[1:]] = spelling.ends[:-1]
    ends[ids] = spelling.ends
    return Spelling.join(
        [spelling.data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    )


def _with_added(special: Iterable[int], added_tokens: Mapping[int, Any], tokens: Spelling) -> frozenset[int]:
    """The special ids and the added ones, see `read_tokenizer`; ids without a token are left out."""
    added = {i for i, token in added_tokens.items() if token.special or not tokens.of(i).isspace()}
    return frozenset(i for i in added.union(special) if 0 <= i < len(tokens.ends))


def _names(special: Iterable[int], name_of: Callable[[int], str]) -> dict[int, str]:
    return {token_id: name_of(token_id) for token_id in special}


def _checked_size(n_tokens: int) -> int:
    if n_tokens > MOST_TOKENS:
        raise LimitExceededError("the number of token ids", given=n_tokens, limit=MOST_TOKENS)
    return n_tokens


def _part(tokenizer: object, module_name: str, class_name: str) -> Any:
    """The first attribute of the tokenizer that is of the class, or None."""
    return next((v for v in vars(tokenizer).values() if _is_instance(v, module_name, class_name)), None)


def _is_instance(value: object, module_name: str, class_name: str) -> bool:
    """`isinstance` without importing the module: if it was never imported, there is no such object."""
    return isinstance(value, getattr(sys.modules.get(module_name), class_name, ()))


_READERS: tuple[tuple[str, str, Callable[[Any], TokenizerContents]], ...] = (
    ("transformers.tokenization_utils_base", "PreTrainedTokenizerBase", _read_transformers),
    ("tokenizers", "Tokenizer", _read_tokenizers),
    ("tiktoken", "Encoding", _read_tiktoken),
    ("sentencepiece", "SentencePieceProcessor", _read_sentencepiece),
)
