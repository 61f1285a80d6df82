"""A server in a thread of this process, on any free port, for as long as a `with` block."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import uvicorn
from tokentrellis.models import LoadedModel, load_model
from tokentrellis.serving.endpoint import make_application
from tokentrellis.serving.engine import Engine
from tokentrellis.serving.limits import Limits

NAME = "tokentrellis-embedded"


@lru_cache
def embedded() -> LoadedModel:
    return load_model()


def make_engine(**limits: Any) -> Engine:
    return Engine(embedded(), name=NAME, is_embedded=True, limits=Limits(**limits))


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serving(engine: Engine, api_keys: Sequence[str] = ()) -> Iterator[str]:
    """The base address of a server for this engine."""
    config = uvicorn.Config(make_application(engine, api_keys), port=0, log_level="error", lifespan="on")
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.listens.wait(60)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(60)
