"""`tokentrellis serve`: options in, a server that runs until it is interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from ..grammar_options import ModelWhitespaceOption, TokenizerOption, parse_whitespace
from ..grammars.errors import ConstraintError
from ..models import load_model
from ..text_input import ModelOption
from .limits import Limits

EMBEDDED_NAME = "tokentrellis-embedded"

_DEFAULTS = Limits()


def serve(
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What requests call the model. Default: its name or path.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8000,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            "--api-key",
            envvar="TOKENTRELLIS_API_KEY",
            help="A key that requests must bring; may be repeated. Default: none is asked for.",
        ),
    ] = None,
    whitespace: ModelWhitespaceOption = None,
    max_rows: Annotated[
        int, typer.Option("--max-rows", min=1, help="Texts that are written at the same time.")
    ] = _DEFAULTS.most_rows,
    max_waiting: Annotated[
        int, typer.Option("--max-waiting", min=1, help="Requests that wait for their turn.")
    ] = _DEFAULTS.most_waiting,
    wait_seconds: Annotated[
        float, typer.Option("--wait-seconds", min=0, help="How long one may wait.")
    ] = _DEFAULTS.wait_seconds,
    max_new_tokens: Annotated[
        int | None,
        typer.Option("--max-new-tokens", min=1, help="Most tokens of a text. Default: the context's."),
    ] = None,
    max_grammar_characters: Annotated[
        int, typer.Option("--max-grammar-characters", min=1, help="Largest schema or grammar.")
    ] = _DEFAULTS.most_grammar_characters,
    compile_seconds: Annotated[
        float, typer.Option("--compile-seconds", min=0.001, help="Most time to compile one.")
    ] = _DEFAULTS.compile_seconds,
    mask_seconds: Annotated[
        float, typer.Option("--mask-seconds", min=0.001, help="Most time for one mask of a text.")
    ] = _DEFAULTS.mask_seconds,
    max_grammars: Annotated[
        int, typer.Option("--max-grammars", min=1, help="Compiled grammars that are kept.")
    ] = _DEFAULTS.most_grammars,
    max_body_bytes: Annotated[
        int, typer.Option("--max-body-bytes", min=1, help="Largest request.")
    ] = _DEFAULTS.most_body_bytes,
    stop_seconds: Annotated[
        int,
        typer.Option("--stop-seconds", min=0, help="When stopped, time for texts that are being written."),
    ] = 20,
) -> None:
    """Serve a model over HTTP by the OpenAI protocol: chat and completions, with schemas, patterns and rules.

    Texts with a grammar are always complete and valid within max_tokens, or refused beforehand.
    """
    if api_key is not None and not all(api_key):
        raise ConstraintError("--api-key: a key must not be empty", advice="leave the option out")
    layout = None if whitespace is None else parse_whitespace(whitespace)
    try:
        import uvicorn

        from .endpoint import make_application
    except ImportError as error:
        raise ConstraintError(
            "serving needs fastapi and uvicorn", advice="pip install 'tokentrellis[serve]'"
        ) from error
    from .engine import Engine

    limits = Limits(
        most_body_bytes=max_body_bytes,
        most_grammar_characters=max_grammar_characters,
        compile_seconds=compile_seconds,
        mask_seconds=mask_seconds,
        most_grammars=max_grammars,
        most_rows=max_rows,
        most_waiting=max_waiting,
        wait_seconds=wait_seconds,
        most_new_tokens=max_new_tokens,
    )
    engine = Engine(
        load_model(model, tokenizer),
        name=name or model or EMBEDDED_NAME,
        is_embedded=model is None,
        limits=limits,
        whitespace=layout,
    )
    application = make_application(engine, api_key or ())
    # At "info" uvicorn says where it listens, which nobody else knows for port 0.
    # Without a limit it would go on until the last of all who wait has its text.
    uvicorn.run(
        application,
        host=host,
        port=port,
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=stop_seconds,
    )
