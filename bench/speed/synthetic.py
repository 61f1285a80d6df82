"""Vocabularies without files: in a number of tokens and a seed, out merges, tokens, or a tokenizer's folder.

The made-up vocabulary has what JSON needs of a real one: all bytes, tokens that cross the frames of JSON
(`": "`, `"},`), numbers, characters of several bytes, white space, and words of syllables, with a blank in
front, in capitals, with a quote behind. Every beginning of a token is a token too, as in a real vocabulary
nearly; so the merges of a byte-pair encoding follow from the list, and every engine can read the tokenizer.
`double_tokenizer` makes a real tokenizer twice as large: each token once more, with another one behind it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokentrellis.benchmark.maskbench.tokenizer import byte_level_alphabet

EOS_NAME = "<eos>"
LEAST_TOKENS = 512
FRAMES = (
    *('{"', '":', '": ', '": "', '": [', '": {"', '",', '", ', '", "', '","', '":"', '"}', '"},', '"}, {"'),
    *('"]', '"],', "],", '], "', "[{", '[{"', "}]", "},", "}}", "},\n", '",\n', "[],", "{},", "[]", "{}"),
    *(': "', ', "', "  ", "    ", "        ", "\n  ", "\n    ", "\n      ", "\\n", '\\"', "\\u"),
    *("true", "false", "null", ".0", "e-", ". ", ", ", "://"),
)
CHARACTERS = "äöüéèßñçøåαβγδλπдежзийклмнопрст—…€£°±中文日本語の한국어😀"
CONSONANTS = (
    *("b", "br", "c", "ch", "d", "f", "g", "gr", "h", "k"),
    *("l", "m", "n", "p", "pr", "r", "s", "st", "t", "v"),
)
BEFORE, BEHIND = ("", " ", " ", '"', "_"), ("", "", "", "", '"', '",', ".", ":")  # around a word in JSON
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")


def merges(n_tokens: int, seed: int = 0) -> list[tuple[bytes, bytes]]:
    """What is joined to what, in order: `n_tokens - 257` new tokens after the bytes and EOS."""
    if n_tokens < LEAST_TOKENS:
        raise ValueError(f"--tokens: must be at least {LEAST_TOKENS}, got {n_tokens}")
    wanted = n_tokens - 257
    known: set[bytes] = set()
    joined: list[tuple[bytes, bytes]] = []
    for text in _texts(n_tokens, seed):
        data = text.encode()
        for end in range(2, len(data) + 1):
            if data[:end] not in known:
                known.add(data[:end])
                joined.append((data[: end - 1], data[end - 1 : end]))
        if len(joined) >= wanted:
            break
    return joined[:wanted]


def tokens(n_tokens: int, seed: int = 0) -> list[bytes]:
    """The tokens by id; the last one, without bytes, is EOS."""
    single = [bytes([byte]) for byte in range(256)]
    return [*single, *(left + right for left, right in merges(n_tokens, seed)), b""]


def write_tokenizer(folder: Path, n_tokens: int, seed: int = 0) -> None:
    """A Hugging Face tokenizer with the made-up vocabulary."""
    shown = {byte: character for character, byte in byte_level_alphabet().items()}

    def spelling(token: bytes) -> str:
        return "".join(shown[byte] for byte in token)

    names = [spelling(token) for token in tokens(n_tokens, seed)[:-1]]
    pairs = [[spelling(left), spelling(right)] for left, right in merges(n_tokens, seed)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    contents = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": len(names), "content": EOS_NAME, **plain}],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {name: token_id for token_id, name in enumerate(names)},
            "merges": pairs,
        },
    }
    configuration = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": EOS_NAME}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(contents), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration), encoding="utf-8")


def double_tokenizer(source: Path, folder: Path, seed: int = 0) -> None:
    """The tokenizer in `source`, written to `folder` with twice as many text tokens.

    Added tokens come after them, with other ids: the library numbers them so, whatever the file says.

    Raises ValueError if it is no byte-pair encoding in a tokenizer.json.
    """
    path = source / "tokenizer.json"
    contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    model = contents.get("model", {})
    if model.get("type") != "BPE" or not model.get("merges"):
        raise ValueError(f"{path}: only a byte-pair encoding in a tokenizer.json can be doubled")
    vocabulary: dict[str, int] = model["vocab"]
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    next_id = 1 + max(vocabulary.values())
    as_text = isinstance(model["merges"][0], str)  # how tokenizers before 0.20 wrote a merge
    draw = random.Random(seed)
    for name in names:
        other = draw.choice(names)
        if name + other not in vocabulary:
            vocabulary[name + other] = next_id
            next_id += 1
            model["merges"].append(f"{name} {other}" if as_text else [name, other])
    added = [token for token in contents["added_tokens"] if token["content"] not in vocabulary]
    for token_id, token in enumerate(added, next_id):
        token["id"] = token_id
    contents["post_processor"] = None  # which would put special tokens by their old ids
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(contents), encoding="utf-8")
    if (source / "tokenizer_config.json").exists():
        shutil.copy(source / "tokenizer_config.json", folder)


def _texts(n_tokens: int, seed: int) -> Iterator[str]:
    """What is wanted as tokens, without end."""
    draw = random.Random(seed)
    yield from FRAMES
    yield from map(str, range(10, 1000 if n_tokens >= 4096 else 100))
    yield from CHARACTERS
    while True:
        word = "".join(draw.choice(CONSONANTS) + draw.choice(VOWELS) for _ in range(draw.randint(1, 4)))
        word += draw.choice(("", "", "n", "s", "ing", "er"))
        word = word.capitalize() if draw.random() < 0.2 else word
        yield draw.choice(BEFORE) + word + draw.choice(BEHIND)
