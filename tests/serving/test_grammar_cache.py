"""The cache of compiled grammars: each made once, never too many, never too slow."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from tokentrellis.constraint import Constraint
from tokentrellis.decoding import compile as compile_module
from tokentrellis.decoding.compile import CompiledGrammar
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.errors import GrammarSyntaxError, LimitExceededError
from tokentrellis.grammars.expressions import Expression
from tokentrellis.grammars.remembered import remembering_functions
from tokentrellis.serving import grammar_cache as module
from tokentrellis.serving.errors import RequestRefusedError
from tokentrellis.serving.grammar_cache import GrammarCache
from tokentrellis.serving.limits import Limits


def choice(text: str) -> Constraint:
    return Constraint("choice", [text])


def run(vocabulary: Vocabulary, use: Any, **limits: Any) -> Any:
    async def with_cache() -> Any:
        cache = GrammarCache(vocabulary, Limits(**limits))
        try:
            return await use(cache)
        finally:
            cache.close()

    return asyncio.run(with_cache())


def test_each_is_compiled_once(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        same = await asyncio.gather(*(cache.get(choice("a")) for _ in range(20)))
        assert len(set(map(id, same))) == 1
        assert await cache.get(choice("a")) is same[0]
        assert await cache.get(choice("b")) is not same[0]
        assert cache.n_compiled == 2

    run(byte_vocabulary, use)


def test_the_one_used_longest_ago_goes(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        kept = await cache.get(choice("a"))
        gone = await cache.get(choice("b"))
        await cache.get(choice("a"))
        await cache.get(choice("c"))
        assert len(cache) == 2
        assert await cache.get(choice("a")) is kept
        assert await cache.get(choice("b")) is not gone

    run(byte_vocabulary, use, most_grammars=2)


def test_one_that_learnt_too_much_is_made_anew(
    byte_vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(cache: GrammarCache) -> None:
        first = await cache.get(choice("abc"))
        matcher = first.matcher()
        for token in b"abc":
            matcher.accept_token(token)
        assert first.n_states > 2
        assert await cache.get(choice("abc")) is first
        monkeypatch.setattr(module, "MOST_LEARNT_STATES", 2)
        assert await cache.get(choice("abc")) is not first
        assert len(cache) == 1

    run(byte_vocabulary, use)


def test_errors_are_told_to_all_and_not_kept(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        results = await asyncio.gather(
            *(cache.get(Constraint("regex", "(")) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [GrammarSyntaxError] * 3
        assert len(cache) == 0
        assert await cache.get(choice("a"))

    run(byte_vocabulary, use)


class _Endless(Constraint):
    def grammar(self) -> Any:
        while True:
            sum(range(100))


def test_compiling_ends(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        with pytest.raises(LimitExceededError, match="seconds to compile"):
            await cache.get(_Endless("regex", "a"))
        assert await cache.get(choice("a"))

    run(byte_vocabulary, use, compile_seconds=0.02)


def test_who_leaves_does_not_end_it_for_others(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        leaves = asyncio.ensure_future(cache.get(choice("a")))
        stays = asyncio.ensure_future(cache.get(choice("a")))
        await asyncio.sleep(0)
        leaves.cancel()
        assert await stays
        assert leaves.cancelled()

    run(byte_vocabulary, use)


def test_too_many_at_once(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        results = await asyncio.gather(
            *(cache.get(choice(str(number))) for number in range(5)), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, RequestRefusedError)]
        assert len(refused) == 2
        assert {error.status for error in refused} == {429}

    run(byte_vocabulary, use, most_waiting=3)


def test_new_grammars_leave_nothing_behind(
    byte_vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are compiled: the expressions that are alive are those of the grammars that are kept."""
    monkeypatch.setattr(module, "COMPILED_UNTIL_FORGOTTEN", 20)
    # The tables of the vocabulary hold expressions too; they have a limit of their own, of bytes.
    monkeypatch.setattr(compile_module, "MOST_TABLE_BYTES", 0)

    def schema(number: int) -> Constraint:
        members = {f"key{number}": {"type": "number", "maximum": number}, "a": {"pattern": f"^x{number}$"}}
        return Constraint("json_schema", {"type": "object", "properties": members, "required": ["a"]})

    async def use(cache: GrammarCache) -> list[int]:
        counts = []
        for round_number in range(4):
            for number in range(20):
                await cache.get(schema(20 * round_number + number))
            gc.collect()
            counts.append(sum(isinstance(found, Expression) for found in gc.get_objects()))
        return counts

    counts = run(byte_vocabulary, use, most_grammars=2)
    assert max(counts[1:]) <= counts[0] + 20
    assert len(list(remembering_functions())) > 10


def test_a_grammar_that_may_be_half_made_is_made_anew(byte_vocabulary: Vocabulary) -> None:
    async def use(cache: GrammarCache) -> None:
        first = await cache.get(choice("a"))
        assert await cache.get(choice("a")) is first
        cache.distrust(first)
        second = await cache.get(choice("a"))
        assert second is not first
        assert await cache.get(choice("a")) is second

    run(byte_vocabulary, use)


def test_the_shortest_text_is_known_in_time(
    byte_vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop asks for it, and must not wait while it is found out."""
    threads = []

    class Watched(CompiledGrammar):
        def matcher(self) -> Any:
            threads.append(threading.current_thread().name)
            return super().matcher()

    monkeypatch.setattr(module, "compile_grammar", Watched)

    async def use(cache: GrammarCache) -> None:
        await cache.get(choice("a"))

    run(byte_vocabulary, use)
    assert len(threads) == 1
    assert threads[0].startswith("compile")


def test_the_size_of_a_schema_is_not_found_out_in_the_loop(byte_vocabulary: Vocabulary) -> None:
    """To write a schema of a megabyte takes a second, in which nobody else would be answered."""
    threads = []

    class Watched(Constraint):
        def key(self) -> str:
            threads.append(threading.current_thread())
            return super().key()

    async def use(cache: GrammarCache) -> None:
        await cache.get(Watched("choice", ["a"]))

    run(byte_vocabulary, use)
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
