"""How the endpoint serves: many requests of mixed schemas at the same time, and many new schemas one after
the other.

    python -m bench.serving [--requests 500] [--at-once 8] [--grammars 10000] [--out FILE]

The first part starts `tokentrellis serve` with the embedded model in a process of its own and asks it with
OpenAI's client: schemas, patterns, rules and choices in turn, greedy and drawn, whole and streamed. Every
answer is checked with an independent validator. It reports valid answers, latency (p50, p99), time to the
first token of streams, and tokens per second.

The second part compiles and uses that many different grammars through the same cache in this process and
reports the memory of the process on the way: it must stop growing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import openai
from tokentrellis.benchmark.maskbench.measure import resident_bytes
from tokentrellis.benchmark.maskbench.report import percentile

TEXTS = (
    "Order by Ann Lee: 12 desk lamps, shipped on Monday.",
    "Bo Chen, 41, asks for a refund of 19.50 euros for two kettles.",
    "The meeting with Maria Lopez is on 2026-03-14 in room 12.",
)
SCHEMAS: tuple[dict[str, Any], ...] = (
    {
        "type": "object",
        "properties": {"customer": {"type": "string", "maxLength": 40}, "quantity": {"type": "integer"}},
        "required": ["customer", "quantity"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 30},
            "status": {"enum": ["paid", "shipped", "cancelled"]},
            "price": {"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 1000},
        },
        "required": ["name", "status"],
    },
    {"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 1, "maxItems": 4},
    {
        "type": "object",
        "properties": {"when": {"type": "string", "format": "date"}, "who": {"type": ["string", "null"]}},
        "required": ["when", "who"],
        "additionalProperties": False,
    },
    {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "boolean"}, "maxItems": 3}]},
)
PATTERNS = (r"[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}", r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def demand(number: int) -> tuple[dict[str, Any], Any]:
    """The members of request `number` that say what is wanted, and a function that checks the answer."""
    kind = number % 8
    if kind < 5:
        validator = jsonschema_rs.validator_for(SCHEMAS[kind], validate_formats=True)
        schema = {"name": "answer", "schema": SCHEMAS[kind]}
        given = {"response_format": {"type": "json_schema", "json_schema": schema}}
        return given, lambda text: validator.is_valid(json.loads(text))
    if kind == 5:
        pattern = PATTERNS[number // 8 % 2]
        return {"extra_body": {"structured_outputs": {"regex": pattern}}}, re.compile(pattern).fullmatch
    if kind == 6:
        words = ("yes", "no", "perhaps")
        return {"extra_body": {"guided_choice": list(words)}}, words.__contains__
    rules = 'root ::= item ("," item)*\nitem ::= "a" | "b" [0-9]'
    return {"extra_body": {"guided_grammar": rules}}, re.compile("(a|b[0-9])(,(a|b[0-9]))*").fullmatch


def serve_requests(n_requests: int, at_once: int) -> dict[str, Any]:
    """The first part."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tokentrellis", "serve", "--port", str(port), "--max-rows", str(at_once)]
    server = subprocess.Popen(command)
    try:
        _wait_until_ready(port, server)
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="-", max_retries=0) as client:
            started = time.perf_counter()
            with ThreadPoolExecutor(at_once) as pool:
                answers = list(pool.map(lambda number: _ask(client, number), range(n_requests)))
            seconds = time.perf_counter() - started
    finally:
        server.terminate()
        server.wait()
    latencies = sorted(answer["seconds"] for answer in answers)
    first = sorted(answer["first"] for answer in answers if answer["first"] is not None)
    return {
        "requests": n_requests,
        "at_once": at_once,
        "valid": sum(answer["valid"] for answer in answers),
        "latency_ms": {p: round(1000 * percentile(latencies, p), 1) for p in (50, 90, 99)},
        "first_token_ms": {p: round(1000 * percentile(first, p), 1) for p in (50, 99)},
        "requests_per_second": round(n_requests / seconds, 1),
        "tokens_per_second": round(sum(answer["tokens"] for answer in answers) / seconds),
    }


def _wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server ended before it was ready")


def _ask(client: openai.OpenAI, number: int) -> dict[str, Any]:
    given, is_valid = demand(number)
    options: dict[str, Any] = {
        "model": "tokentrellis-embedded",
        "messages": [{"role": "user", "content": TEXTS[number % len(TEXTS)]}],
        "max_tokens": 48 + number % 64,
        "temperature": (0, 0.7, 1.3)[number // 8 % 3],
        "seed": number,
        **given,
    }
    started = time.perf_counter()
    first = None
    if number % 2:
        answer = client.chat.completions.create(**options)
        text, n_tokens = answer.choices[0].message.content, answer.usage.completion_tokens
    else:
        text, n_tokens = "", 0
        stream = client.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **options
        )
        for chunk in stream:
            if chunk.usage is not None:
                n_tokens = chunk.usage.completion_tokens
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.perf_counter() - started
                text += chunk.choices[0].delta.content
    seconds = time.perf_counter() - started
    return {"valid": bool(is_valid(text)), "seconds": seconds, "first": first, "tokens": n_tokens}


def compile_many(n_grammars: int) -> list[tuple[int, float]]:
    """The second part: pairs of grammars compiled so far and megabytes of the process."""
    from tokentrellis.decoding.generate import read_vocabulary
    from tokentrellis.models import load_model
    from tokentrellis.serving.grammar_cache import GrammarCache
    from tokentrellis.serving.limits import Limits

    loaded = load_model()
    vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)

    async def run() -> list[tuple[int, float]]:
        cache = GrammarCache(vocabulary, Limits(compile_seconds=600.0))  # the machine may be busy
        memory = []
        for number in range(n_grammars):
            await _use(cache, number)
            if number % max(1, n_grammars // 20) == 0 or number == n_grammars - 1:
                memory.append((number + 1, _resident_megabytes()))
        cache.close()
        return memory

    return asyncio.run(run())


async def _use(cache: Any, number: int) -> None:
    """Compile a grammar that was not there before and walk through its shortest text."""
    from tokentrellis.constraint import Constraint
    from tokentrellis.decoding.bitmask import allocate_bitmask

    schema = {
        "type": "object",
        "properties": {
            f"key{number}": {"type": "string", "maxLength": 1 + number % 50},
            "pattern": {"type": "string", "pattern": f"^[a-z]{{1,{1 + number % 9}}}-{number}$"},
            "number": {"type": "number", "minimum": number, "maximum": number + 10},
            "list": {"type": "array", "items": {"enum": [f"a{number}", number, None]}, "maxItems": 5},
        },
        "required": [f"key{number}", "pattern", "number", "list"],
    }
    kinds = (("json_schema", schema), ("regex", f"[a-f]{{3}}{number}"), ("choice", [f"a{number}", "b"]))
    compiled = await cache.get(Constraint(*kinds[0 if number % 4 else 1 + number // 4 % 2]))
    matcher = compiled.matcher()
    bitmask = allocate_bitmask(1, compiled.vocabulary.vocab_size)
    for token_id in compiled.vocabulary.greedy_tokenize(compiled.shortest_text()):
        matcher.fill_bitmask(bitmask)
        matcher.accept_token(token_id)


def _resident_megabytes() -> float:
    """Memory of this process now (Linux), in megabytes."""
    memory = resident_bytes(os.getpid())
    assert memory is not None, "there is no /proc"
    return round(memory / 1e6, 1)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--grammars", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    report: dict[str, Any] = {}
    if arguments.requests:
        report["requests"] = serve_requests(arguments.requests, arguments.at_once)
    if arguments.grammars:
        report["megabytes"] = compile_many(arguments.grammars)
    text = json.dumps(report, indent=1)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
