"""A worker of Ray without a model: writes the text in upper case, and dies once where it is told to."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tokentrellis.grammars.errors import ConstraintError
from tokentrellis.ray_workers import RowWriter


@dataclass
class Counts:
    n_tokens: int = 1


class FakeRowWriter(RowWriter):
    """`settings.described` is a folder: each worker and each row leave a file there."""

    def __init__(self, settings: Any, vocabulary: Any = None, number: str | None = "number") -> None:
        import ray

        self._folder = Path(settings.described)
        self._settings = settings
        self._number = number
        known = ray.get(vocabulary)
        (self._folder / f"worker {os.getpid()} {known.fingerprint}").write_text("")
        self._write = self._fake

    def _fake(self, texts: list[str], number: int) -> list[Any]:
        if "die" in texts and not (self._folder / "died").exists():
            (self._folder / "died").write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        if "refuse" in texts:
            raise ConstraintError("this text cannot be written for")
        return [
            SimpleNamespace(value={"said": text.upper(), "digits": 1}, stats=Counts(), trace=None)
            for text in texts
        ]
