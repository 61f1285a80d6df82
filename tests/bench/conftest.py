"""The settings of bench/speed with a made-up vocabulary of a few hundred tokens, for its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.speed.setting import Setting, open_setting
from tests.bench.speed_setting import N_TOKENS, PEERS


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Our engine alone, for what needs no peer."""
    with open_setting(None, N_TOKENS, "tokentrellis", 0, tmp_path_factory.mktemp("speed")) as opened:
        opened.create("tokentrellis")  # what it imports is inherited by the new processes
        yield opened


@pytest.fixture(params=["tokentrellis", *PEERS])
def one_engine(request: pytest.FixtureRequest, made_up: Setting) -> Setting:
    """Each engine; a peer that is not installed is skipped."""
    if request.param != "tokentrellis":
        pytest.importorskip(request.param)
    return Setting(made_up.tokenizer, [request.param], 0, made_up.out)
