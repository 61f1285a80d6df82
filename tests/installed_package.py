"""What an installed package must be able to do; `cibuildwheel` runs it for each wheel.

It is a program, not a test: it runs in an environment without pytest, and outside of the source tree.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import tokentrellis as tt


def main() -> None:
    place = Path(tt.__file__).resolve()
    if Path(__file__).resolve().parents[1] in place.parents and "site-packages" not in place.parts:
        sys.exit(f"{place} is the source tree, not an installed package")
    if importlib.metadata.version("tokentrellis") != tt.__version__:
        sys.exit("the version of the package is not that of its metadata")
    if (
        not (place.parent / "embedded" / "model.safetensors").is_file()
        or not (place.parent / "py.typed").is_file()
    ):
        sys.exit("files that belong to the package are missing")
    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    grammar = tt.from_json_schema({"type": "array", "items": {"multipleOf": 7}}, whitespace="compact")
    matcher = tt.compile_grammar(grammar, vocabulary).matcher()
    for byte in b"[14,2":
        matcher.accept_token(byte)
    bitmask = tt.allocate_bitmask(1, len(vocabulary))
    matcher.fill_bitmask(bitmask, budget=3)
    allowed = bytes(byte for byte in range(256) if bitmask[0, byte // 32] >> (byte % 32) & 1)
    if allowed != b"18":
        sys.exit(f"after [14,2 the tokens {allowed!r} are allowed, and not b'18'")
    print(f"tokentrellis {tt.__version__}, Python {sys.version.split()[0]}: works")


if __name__ == "__main__":
    main()
