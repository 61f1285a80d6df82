"""HTTP: requests of the OpenAI protocol in, answers and streams of events out.

    POST /v1/chat/completions    POST /v1/completions    POST /v1/responses    GET /v1/models    GET /health

Whatever is wrong with a request ends in a status from 400 to 499 and an error in OpenAI's form, before a text
is begun; a client that leaves takes its jobs along. The application holds no state but that of its engine.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from ..grammars.errors import ConstraintError
from ..grammars.tools import ToolGrammar
from ..sources import parse_json, write_json
from ..standard_output import JSON_ESCAPE
from .engine import Engine
from .errors import RequestRefusedError, error_body, status_of
from .protocol import ChatRequest, CompletionRequest, read_request
from .response_answer import ResponseAnswer
from .response_request import ResponsesRequest, in_its_words
from .responses import Answer
from .row import Event, Job

_logger = logging.getLogger("tokentrellis.serving")

_RETRY_SECONDS = 1  # what a busy server asks for


def make_application(engine: Engine, api_keys: Sequence[str] = ()) -> FastAPI:
    """The application; its engine starts and stops with it.

    api_keys: one of them has to come with each request but `/health`; none: everybody may ask.
    """

    @asynccontextmanager
    async def life(application: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield
        await asyncio.get_running_loop().run_in_executor(None, engine.stop)

    application = FastAPI(
        title="tokentrellis", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None
    )
    keys = [key.encode() for key in api_keys]

    async def chat(request: Request) -> Response:
        _check_key(request, keys)
        return await _answer(engine, request, read_request(ChatRequest, await _read_body(request, engine)))

    async def complete(request: Request) -> Response:
        _check_key(request, keys)
        values = await _read_body(request, engine)
        return await _answer(engine, request, read_request(CompletionRequest, values))

    async def respond(request: Request) -> Response:
        _check_key(request, keys)
        asked = read_request(ResponsesRequest, await _read_body(request, engine))
        with in_its_words():
            return await _answer(engine, request, asked.as_chat(), asked)

    model = {"id": engine.name, "object": "model", "created": 0, "owned_by": "tokentrellis"}

    async def models(request: Request) -> Response:
        _check_key(request, keys)
        return _json({"object": "list", "data": [model]})

    async def one_model(request: Request) -> Response:
        _check_key(request, keys)
        engine.check_name(request.path_params["name"])
        return _json(model)

    async def health(request: Request) -> Response:
        scheduler = engine.scheduler
        report = {
            "status": "ok" if scheduler.is_running else "stopped",
            "running": scheduler.n_rows,
            "waiting": scheduler.n_waiting,
            "grammars": len(engine.grammars),
        }
        return _json(report, 200 if scheduler.is_running else 503)

    _add(application, "POST", "/v1/chat/completions", chat)
    _add(application, "POST", "/v1/completions", complete)
    _add(application, "POST", "/v1/responses", respond)
    _add(application, "GET", "/v1/models", models)
    _add(application, "GET", "/v1/models/{name:path}", one_model)
    _add(application, "GET", "/health", health)
    application.add_exception_handler(HTTPException, _no_such_place)
    return application


def _add(
    application: FastAPI,
    method: str,
    path: str,
    handler: Callable[[Request], Coroutine[Any, Any, Response]],
) -> None:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ConstraintError as error:
            return _refusal(error)
        except Exception:
            _logger.exception("a request failed")
            return _refusal(RequestRefusedError("the server failed; its log says more", status=500))

    application.add_api_route(path, guarded, methods=[method], response_model=None)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_written(value), status, headers, "application/json")


def _written(value: Any) -> bytes:
    """JSON, in ASCII: an error may quote half of a surrogate pair."""
    try:
        return json.dumps(value).encode()
    except TypeError:  # the exact numbers of a schema, which come back in a response; slower
        return write_json(value).encode("ascii", JSON_ESCAPE)


def _refusal(error: ConstraintError) -> Response:
    status = status_of(error)
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status in (429, 503) else None
    return _json(error_body(error), status, headers)


async def _no_such_place(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    is_method = status == 405
    what = "this method is not allowed here" if is_method else "there is no such place"
    code = "method_not_allowed" if is_method else "not_found"
    return _refusal(RequestRefusedError(what, status=status, code=code, got=request.url.path[:200]))


def _check_key(request: Request, keys: Sequence[bytes]) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = [hmac.compare_digest(given.strip().encode("utf-8", "replace"), key) for key in keys]
    if keys and (scheme.lower() != "bearer" or not any(is_right)):
        raise RequestRefusedError(
            "the API key is missing or wrong", status=401, code="invalid_api_key", advice="pass a right one"
        )


async def _read_body(request: Request, engine: Engine) -> Any:
    """The body as parsed JSON."""
    limit = engine.limits.most_body_bytes
    try:
        data = await asyncio.wait_for(_read_bytes(request, limit), engine.limits.body_seconds)
    except asyncio.TimeoutError:
        raise RequestRefusedError(
            "the body did not arrive in time", status=408, code="body_timeout"
        ) from None
    except ClientDisconnect:
        raise _gone_away() from None
    try:
        return parse_json(data.decode("utf-8"), "the body")
    except UnicodeDecodeError as error:
        raise RequestRefusedError(f"the body is not UTF-8 ({error.reason})", code="invalid_json") from None
    except ConstraintError as error:
        raise RequestRefusedError(str(error), code="invalid_json") from None


async def _read_bytes(request: Request, limit: int) -> bytes:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > limit:
            raise RequestRefusedError(
                f"the body must be at most {limit} bytes", status=413, code="body_too_large"
            )
    return bytes(data)


async def _answer(
    engine: Engine,
    http: Request,
    request: ChatRequest | CompletionRequest,
    asked: ResponsesRequest | None = None,
) -> Response:
    """asked: what the request was made of; None: itself."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[tuple[int, Event]] = asyncio.Queue()

    def deliver(number: int, event: Event) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(events.put_nowait, (number, event))

    jobs = await engine.prepare(request, deliver)
    n_prompt_tokens = sum(len(job.prompt_ids) for job in jobs)
    tools = _tool_grammar(jobs)
    answer: Answer | ResponseAnswer
    if asked is None:
        n_choices = sum(job.n for job in jobs)
        answer = Answer(request, n_choices, n_prompt_tokens, engine.token_name, tools)
    else:
        answer = ResponseAnswer(asked, n_prompt_tokens, tools)
    engine.scheduler.submit(jobs)
    try:
        if not request.stream:
            return await _whole(http, answer, jobs, events)
        first = await _unless_gone(http, events.get())
    except BaseException:
        _cancel(jobs)
        raise
    if isinstance(first[1], ConstraintError):  # before anything was sent: it still gets a status
        _cancel(jobs)
        raise first[1]
    with_usage = request.stream_options is not None and request.stream_options.include_usage
    return _EventStream(_events(answer, jobs, events, first, with_usage), jobs)


def _tool_grammar(jobs: Sequence[Job]) -> ToolGrammar | None:
    """The grammar of the answers, where they may call tools."""
    grammar = None if jobs[0].compiled is None else jobs[0].compiled.grammar
    return grammar if isinstance(grammar, ToolGrammar) else None


def _cancel(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.cancel()


async def _whole(
    http: Request,
    answer: Answer | ResponseAnswer,
    jobs: Sequence[Job],
    events: asyncio.Queue[tuple[int, Event]],
) -> Response:
    async def collect() -> None:
        while not answer.is_complete:
            number, event = await events.get()
            if isinstance(event, ConstraintError):
                raise event
            answer.add(number * jobs[0].n + event.index, event)

    await _unless_gone(http, collect())
    return _json(answer.body())


async def _unless_gone(http: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` gives, unless the client leaves before it is done.

    Raises:
        RequestRefusedError: it left; nobody reads this.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(http))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise _gone_away()
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


def _gone_away() -> RequestRefusedError:
    return RequestRefusedError("the client closed the connection", status=499)


async def _gone(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


class _EventStream(StreamingResponse):
    """A stream that ends its jobs however it ends itself; most often because the client left."""

    def __init__(self, content: AsyncIterator[bytes], jobs: Sequence[Job]) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            _cancel(self._jobs)


async def _events(
    answer: Answer | ResponseAnswer,
    jobs: Sequence[Job],
    events: asyncio.Queue[tuple[int, Event]],
    first: tuple[int, Event],
    with_usage: bool,
) -> AsyncIterator[bytes]:
    for event in answer.opening():
        yield _event(event)
    number, piece = first
    while True:
        if isinstance(piece, ConstraintError):
            yield _event(error_body(piece))
            break
        choice = number * jobs[0].n + piece.index
        answer.add(choice, piece)
        for chunk in answer.chunks(choice, piece):
            yield _event(chunk)
        if answer.is_complete:
            if with_usage and isinstance(answer, Answer):
                yield _event(answer.closing())
            break
        number, piece = await events.get()
    if isinstance(answer, Answer):
        yield b"data: [DONE]\n\n"


def _event(value: Any) -> bytes:
    kind = f"event: {value['type']}\n".encode() if "type" in value else b""
    return kind + b"data: " + _written(value) + b"\n\n"
