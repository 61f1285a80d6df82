"""The vocabulary of a language model: for each token id the bytes that it appends to the text.

In comes a list of byte strings by id, or a tokenizer (`Vocabulary.from_tokenizer`; how its tokens get their
bytes is in `tokenizer_bytes.py`). Out come flat arrays for the compiled core (`token_buffer`,
`token_offsets`: all bytes in the order of the ids, and where each token begins), the ids that end a text,
and the ids that never match as text:

- special tokens and EOS: a grammar allows them by id, never because the text happens to spell their name;
- tokens without bytes;
- padding, ids from `n_tokens` up to `vocab_size`: rows that the model has and the tokenizer has not.

Everything is computed when the object is made, in linear time, and nothing changes afterwards, so that it
can be shared between threads without locks. The sorted trie of the tokens belongs to the core.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..grammars.errors import LimitExceededError
from .errors import VocabularyError
from .tokenizer_bytes import MOST_TOKENS, read_tokenizer

LONGEST_TOKEN = 2**16 - 1  # bytes; a bound on the depth of the core's trie
MOST_PADDING = 3
"""A model with more than so many times the logits that the vocabulary has tokens is not the vocabulary's."""
_MOST_BYTES = 2**31 - 1  # of all tokens together: offsets are int32


class Vocabulary:
    """Tokens by id, immutable. Equal vocabularies compare equal, also across processes (`fingerprint`).

    Attributes:
        n_tokens: number of ids that the tokenizer has, `len(tokens)`.
        vocab_size: number of ids in the model's logits, at least `n_tokens`.
        eos_token_ids: ids that end a text, in the order given.
        special_token_ids: all ids that never match as text although they have a meaning, EOS included.
        special_names: id to name, for example `{128009: "<|eot_id|>"}`, where names are known.
        special_token_by_name: name to id, for example `{"<|eot_id|>": 128009}`, where names are known.
        token_buffer: uint8, all tokens one after the other in the order of the ids. Read-only.
        token_offsets: int32, shape [n_tokens + 1]; token i is
            `token_buffer[token_offsets[i]:token_offsets[i + 1]]`. Read-only.
        text_token_ids: int32, ascending: the ids that match as text. Read-only.
        fingerprint: hexadecimal digest of all of the above, the same on every machine.
    """

    n_tokens: int
    vocab_size: int
    eos_token_ids: tuple[int, ...]
    special_token_ids: frozenset[int]
    special_names: Mapping[int, str]
    special_token_by_name: Mapping[str, int]
    token_buffer: npt.NDArray[np.uint8]
    token_offsets: npt.NDArray[np.int32]
    text_token_ids: npt.NDArray[np.int32]
    fingerprint: str

    def __init__(
        self,
        tokens: Sequence[bytes],
        *,
        eos_token_ids: Sequence[int],
        special_token_ids: Collection[int] = (),
        vocab_size: int | None = None,
    ) -> None:
        """Make a vocabulary of byte strings.

        Args:
            tokens: by id. Two ids may have equal bytes; an id with empty bytes never matches. What stands
                at a special or EOS id is taken as its name only.
            eos_token_ids: the ids that end a text, at least one.
            special_token_ids: further ids that never match as text.
            vocab_size: number of logits of the model, if there are more of them than tokens.

        Raises:
            VocabularyError: a token is not `bytes`, an id is out of range, or there is no EOS.
            LimitExceededError: more than `MOST_TOKENS` ids, or a token longer than `LONGEST_TOKEN` bytes.
        """
        if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Sequence):
            raise VocabularyError(
                "tokens must be a list of bytes, one for each id",
                got=tokens,
                advice="for a tokenizer use Vocabulary.from_tokenizer()",
            )
        wrong_types = set(map(type, tokens)) - {bytes}
        if wrong_types:
            raise VocabularyError(
                "every token must be bytes", got=wrong_types.pop(), advice="encode text as UTF-8 first"
            )
        n_tokens = len(tokens)
        size = _checked_size(n_tokens, vocab_size)
        eos, special = _checked_special(eos_token_ids, special_token_ids, size)
        text_tokens = list(tokens)
        names: dict[int, str] = {}
        for token_id in special:
            if token_id < n_tokens and tokens[token_id]:
                names[token_id] = tokens[token_id].decode("utf-8", "backslashreplace")
                text_tokens[token_id] = b""
        lengths = np.fromiter(map(len, text_tokens), dtype=np.int64, count=n_tokens)
        self._fill_in(b"".join(text_tokens), lengths, eos, special, names, size)

    def _fill_in(
        self,
        data: bytes,
        lengths: npt.NDArray[np.int64],
        eos: tuple[int, ...],
        special: frozenset[int],
        names: Mapping[int, str],
        size: int,
    ) -> None:
        """data: the bytes of all tokens; lengths: of each, 0 for the special ones, which may have names."""
        offsets = _offsets(lengths)
        buffer = np.frombuffer(data, dtype=np.uint8)  # read-only, as the bytes under it
        by_name: dict[str, int] = {}
        for token_id in sorted(names):
            by_name.setdefault(names[token_id], token_id)
        fields = {
            "n_tokens": len(lengths),
            "vocab_size": size,
            "eos_token_ids": eos,
            "special_token_ids": special,
            "special_names": MappingProxyType(dict(names)),
            "special_token_by_name": MappingProxyType(by_name),
            "token_buffer": buffer,
            "token_offsets": offsets,
            "text_token_ids": _read_only(np.flatnonzero(lengths).astype(np.int32)),
            "fingerprint": _fingerprint(buffer, offsets, eos, special, by_name, size),
        }
        self.__dict__.update(fields)  # past __setattr__, which refuses

    @classmethod
    def from_tokenizer(
        cls,
        tokenizer: object,
        *,
        vocab_size: int | None = None,
        eos_token_ids: Sequence[int] | int | None = None,
    ) -> Vocabulary:
        """Read a tokenizer: transformers (fast or slow), tokenizers, tiktoken or SentencePiece.

        A word-initial token such as `▁the` is b" the" and WordPiece's `##ing` is b"ing": the bytes appended
        inside a text (`tokenizer_bytes.py` has the rules). Added tokens, special or not, never match as
        text, save for those of white space alone that are not marked special.

        Args:
            tokenizer: the tokenizer object.
            vocab_size: number of logits of the model (`model.config.vocab_size`), if larger than the
                tokenizer's.
            eos_token_ids: exactly the ids that end a text, in place of the tokenizer's one `eos_token_id`;
                pass `model.generation_config.eos_token_id` for a model with several, which a tokenizer does
                not know of.

        Raises:
            VocabularyError: the object is not a tokenizer of a known kind, has tokens without bytes of
                their own, or names no EOS and none is given.
            LimitExceededError: as in the constructor.
        """
        contents = read_tokenizer(tokenizer)
        if eos_token_ids is None:
            if contents.eos_token_id is None:
                raise VocabularyError(
                    "the tokenizer must name an end-of-sequence token",
                    got=type(tokenizer),
                    advice="pass eos_token_ids=[...]",
                )
            eos_token_ids = contents.eos_token_id
        data, ends = contents.tokens
        size = _checked_size(len(ends), vocab_size)
        eos, special = _checked_special(
            [eos_token_ids] if isinstance(eos_token_ids, int) else eos_token_ids, contents.special_names, size
        )
        names = dict(contents.special_names)
        lengths = np.diff(ends, prepend=0)
        is_text = np.ones(len(data), dtype=bool)
        for token_id in special:
            if token_id < len(ends) and lengths[token_id]:
                is_text[ends[token_id] - lengths[token_id] : ends[token_id]] = False
                names.setdefault(token_id, contents.tokens.of(token_id).decode("utf-8", "backslashreplace"))
                lengths[token_id] = 0
        vocabulary = cls.__new__(cls)
        text = np.frombuffer(data, dtype=np.uint8)[is_text].tobytes()
        vocabulary._fill_in(text, lengths, eos, special, names, size)
        return vocabulary

    @cached_property
    def tokens(self) -> tuple[bytes, ...]:
        """The bytes that each id appends; empty for ids that never match as text. Made on demand."""
        data, offsets = self.token_buffer.tobytes(), self.token_offsets.tolist()
        return tuple([data[begin:end] for begin, end in pairwise(offsets)])

    def token_bytes(self, token_id: int) -> bytes:
        """What the token appends to the text: nothing, if it is special, EOS or padding."""
        (token_id,) = _checked_ids("token_id", [token_id], self.vocab_size)
        if token_id >= self.n_tokens:
            return b""
        return self.token_buffer[self.token_offsets[token_id] : self.token_offsets[token_id + 1]].tobytes()

    def decode(self, token_ids: Iterable[int]) -> bytes:
        """The text of some tokens. Special tokens are left out; the bytes need not be whole characters."""
        ids = _checked_ids("token_ids", token_ids, self.vocab_size)
        return b"".join([self.tokens[token_id] for token_id in ids if token_id < self.n_tokens])

    def greedy_tokenize(self, text: bytes) -> list[int]:
        """Spell `text` by taking the longest matching token again and again; of equal tokens the lowest id.

        This is no tokenizer's way to encode, but always a right one; it is meant for tests, examples and
        drafts.

        Raises:
            VocabularyError: no token matches at some place, or the text is not `bytes`.
        """
        if not isinstance(text, bytes):
            raise VocabularyError("text must be bytes", got=text, advice="encode it as UTF-8 first")
        lengths = sorted(set(map(len, self.token_id_by_bytes)), reverse=True)
        token_ids = []
        position = 0
        while position < len(text):
            for length in lengths:
                token_id = self.token_id_by_bytes.get(text[position : position + length])
                if token_id is not None:
                    break
            else:
                raise VocabularyError(
                    f"byte {position} of the text: a token must match here",
                    got=text[position : position + 8],
                    missing_bytes=text[position : position + 1],
                )
            token_ids.append(token_id)
            position += length
        return token_ids

    def missing_bytes(self, needed: Iterable[int] | int, *, alone: bool = True) -> bytes:
        """Those of the needed byte values, ascending, that the vocabulary does not provide.

        Args:
            needed: byte values (for example `bytes`), or a set of them as an integer of 256 bits.
            alone: True: values that no text token spells in one step, as a token of this one byte. If none is
                missing, every text over these bytes can be spelled from every place. False: values that no
                text token even contains, so that no text with them can be spelled.
        """
        if isinstance(needed, int):
            if not 0 <= needed < 1 << 256:
                raise VocabularyError("needed must be a set of 256 bits", got=needed, advice="pass bytes")
            needed = [value for value in range(256) if needed >> value & 1]
        needed = _checked_ids("needed", needed, 256)
        if alone:
            starts = self.token_offsets[:-1][np.diff(self.token_offsets) == 1]
            provided = set(self.token_buffer[starts].tolist())
        else:
            provided = set(np.flatnonzero(np.bincount(self.token_buffer, minlength=256)).tolist())
        return bytes(sorted(set(needed) - provided))

    @cached_property
    def token_id_by_bytes(self) -> Mapping[bytes, int]:
        """The lowest id for each distinct text of a text token. Made when first asked for."""
        return MappingProxyType({self.tokens[i]: i for i in reversed(self.text_token_ids.tolist())})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Vocabulary is immutable: {name!r} cannot be set; make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Vocabulary is immutable: {name!r} cannot be deleted")

    def __len__(self) -> int:
        return self.vocab_size

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Vocabulary) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        tokens = list(self.tokens)
        for token_id, name in self.special_names.items():
            tokens[token_id] = name.encode()
        return _rebuild, (tokens, self.eos_token_ids, self.special_token_ids, self.vocab_size)

    def __repr__(self) -> str:
        names = self.special_names
        eos = ", ".join(f"{i} {names[i]!r}" if i in names else f"{i}" for i in self.eos_token_ids)
        return (
            f"<Vocabulary of {self.n_tokens} tokens ({len(self.text_token_ids)} text, "
            f"{len(self.special_token_ids)} special), EOS {eos}, vocab_size {self.vocab_size}>"
        )


def _rebuild(
    tokens: list[bytes], eos_token_ids: tuple[int, ...], special_token_ids: frozenset[int], vocab_size: int
) -> Vocabulary:
    return Vocabulary(
        tokens, eos_token_ids=eos_token_ids, special_token_ids=special_token_ids, vocab_size=vocab_size
    )


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Where each token begins, and where the last one ends."""
    longest = int(lengths.max(initial=0))
    if longest > LONGEST_TOKEN:
        raise LimitExceededError(
            f"the number of bytes of token {int(lengths.argmax())}", given=longest, limit=LONGEST_TOKEN
        )
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] > _MOST_BYTES:
        raise LimitExceededError(
            "the number of bytes of all tokens", given=int(offsets[-1]), limit=_MOST_BYTES
        )
    return _read_only(offsets.astype(np.int32))


def _fingerprint(
    buffer: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int32],
    eos: tuple[int, ...],
    special: frozenset[int],
    names: Mapping[str, int],
    vocab_size: int,
) -> str:
    """A digest that depends neither on the byte order of the machine nor on the order of sets."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((vocab_size, eos, sorted(special), sorted(names.items()))).encode())
    digest.update(offsets.astype("<i4").tobytes())
    digest.update(buffer.tobytes())
    return digest.hexdigest()


def _checked_size(n_tokens: int, vocab_size: int | None) -> int:
    if vocab_size is None:
        vocab_size = n_tokens
    try:
        size = operator.index(vocab_size)
    except TypeError as error:
        raise VocabularyError(
            "vocab_size must be an integer", got=vocab_size, advice="pass the number of logits of the model"
        ) from error
    if size < n_tokens:
        raise VocabularyError(
            f"vocab_size must be at least the number of tokens, {n_tokens}",
            got=size,
            advice="resize the model's embeddings, or leave out the tokens that the model does not have",
        )
    if size > MOST_TOKENS:
        raise LimitExceededError("vocab_size", given=size, limit=MOST_TOKENS)
    return size


def _checked_special(
    eos_token_ids: Iterable[int], special_token_ids: Iterable[int], size: int
) -> tuple[tuple[int, ...], frozenset[int]]:
    """The ids that end a text, each once, and all that never match as text."""
    eos = tuple(dict.fromkeys(_checked_ids("eos_token_ids", eos_token_ids, size)))
    if not eos:
        raise VocabularyError(
            "at least one id must end a text, got no eos_token_ids", advice="pass eos_token_ids=[...]"
        )
    return eos, frozenset(eos).union(_checked_ids("special_token_ids", special_token_ids, size))


def _checked_ids(what: str, token_ids: Iterable[int], vocab_size: int) -> list[int]:
    """Plain ints in range; numpy integers are welcome."""
    try:
        checked = [operator.index(token_id) for token_id in token_ids]
    except TypeError as error:
        raise VocabularyError(
            f"{what}: token ids must be integers", got=token_ids, advice="pass a list of token ids"
        ) from error
    for token_id in checked:
        if not 0 <= token_id < vocab_size:
            raise VocabularyError(
                f"{what}: a token id must be from 0 to {vocab_size - 1}",
                got=token_id,
                advice="use the ids of this vocabulary, or pass a larger vocab_size",
            )
    return checked


def check_width(n_logits: int, vocab_size: int) -> None:
    """Refuse logits that cannot be those of a vocabulary of this size; some of them may be padding.

    Raises:
        VocabularyError: there are fewer than tokens, or more than `MOST_PADDING` times as many.
    """
    if not vocab_size <= n_logits <= MOST_PADDING * vocab_size:
        demand = "cover" if n_logits < vocab_size else f"not be more than {MOST_PADDING} times"
        raise VocabularyError(
            f"the model's logits must {demand} the {vocab_size} tokens of the vocabulary",
            got=n_logits,
            advice="compile the grammar for the tokenizer that belongs to this model, "
            "with vocab_size=model.config.vocab_size if it is right",
        )


def _read_only(array: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    array.flags.writeable = False
    return array
