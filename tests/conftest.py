"""Vocabularies that are small enough to be understood at a glance, the place of the large data, fixed seeds.

Hypothesis draws the same examples in each run; `--hypothesis-profile=default` looks for new ones.

No fixture downloads anything. What lies in the data folder beside the repository is optional: a test that
wants it is skipped, visibly, where it is absent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tokentrellis.decoding.vocabulary import Vocabulary

settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny model with random weights and its tokenizer."""
    from tests.tiny_models import tiny_model, tiny_tokenizer  # loads torch

    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def byte_vocabulary() -> Vocabulary:
    """Token b is the byte b; EOS is 256. Whatever a grammar allows can be spelled, in one way only."""
    return Vocabulary([bytes([byte]) for byte in range(256)] + [b"<eos>"], eos_token_ids=[256])


@pytest.fixture(scope="session")
def small_vocabulary() -> Vocabulary:
    """All that JSON's own syntax needs, byte by byte, and tokens that cross its borders; EOS is the last id.

    Not every byte is here, as in a real WordPiece or SentencePiece vocabulary; characters beyond ASCII come
    whole ("é"), in halves, and as bytes; `ab` has two ids; one id is empty and one a special token.
    """
    punctuation = [b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b" ", b"\n", b"-", b"+", b"."]
    digits = [bytes([digit]) for digit in b"0123456789"]
    letters = [bytes([letter]) for letter in b"abcdeflnrstuxE"]
    crossing = [
        b'":"',
        b'","',
        b'{"',
        b'"}',
        b"]}",
        b'":',
        b', "',
        b' "',
        b'": ',
        b"[[",
        b"}}",
        b'\\"',
        b"\n  ",
    ]
    words = [b"true", b"false", b"null", b"ab", b"ab", b"name", b" name", b"12", b"00", b"1.", b"\\u", b"  "]
    pieces_of_characters = [b"\xc3\xa9", b"\xc3", b"\xa9", b'\xa9"', b"\xf0\x9f", b"\x98\x80", b"a\xc3"]
    tokens = [
        *punctuation,
        *digits,
        *letters,
        *crossing,
        *words,
        *pieces_of_characters,
        b"",
        b"<pad>",
        b"<eos>",
    ]
    n_tokens = len(tokens)
    return Vocabulary(tokens, eos_token_ids=[n_tokens - 1], special_token_ids=[n_tokens - 2])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the large test data."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no test data at {SHARED_DATA.name!r} beside the repository")
    return SHARED_DATA


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray on this machine, with room for two workers."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    pytest.importorskip("pyarrow", reason="Ray Data is not installed")
    folder = str(Path(__file__).parents[1])
    # Workers are polite by default, and would wait for everything else on a busy machine.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        ray.init(
            num_cpus=3,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=100_000_000,
            runtime_env={"env_vars": {"PYTHONPATH": ":".join([folder, *filter(None, sys.path)])}},
        )
        yield ray
        ray.shutdown()
