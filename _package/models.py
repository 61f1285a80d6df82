"""Models for the command line: a name or nothing in, a loaded model with its tokenizer and its way to prompt
out.

Without a name it is the model that the package carries, which needs no network. A named model is loaded by
transformers, from a folder or from a hub; it is prompted in plain words, through its chat template if it has
one.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from .embedded_prompt import build_prompt
from .grammars.errors import ConstraintError
from .sources import check_text, json_schema_of, write_json
from .standard_output import JSON_ESCAPE

EMBEDDED_FOLDER = Path(__file__).with_name("embedded")
HUB_SECONDS = 5
"""How long a hub may take to answer before only what was downloaded earlier counts."""

# What transformers raises for a folder that is no model, or one that needs a package that is not there.
_LOADING_ERRORS = (OSError, ValueError, ImportError, LookupError, AttributeError, RuntimeError, TypeError)


Name: TypeAlias = "str | os.PathLike[str] | None"


@dataclass(frozen=True)
class LoadedModel:
    """A model, its tokenizer, and two functions that put a task for this model into words.

    `prompt(text, schema)` asks for JSON. It takes whatever `from_json_schema` takes as a schema: a dict,
    JSON text, a Boolean, a pydantic model, a dataclass, a TypedDict, an Enum or any annotation. It raises
    ConstraintError for what is no text or an empty one, GrammarSyntaxError for what is no schema.

    `summary_prompt(text, length)` asks for a summary; `length` is in words ("exactly 50 words").
    """

    model: Any
    tokenizer: Any
    prompt: Callable[[str, Any], str]
    summary_prompt: Callable[[str, str], str]


def load_model(name: Name = None, tokenizer_name: Name = None) -> LoadedModel:
    """Load the model of this name or path and its tokenizer; None: the embedded one.

    Raises:
        ConstraintError: it cannot be loaded, or transformers is not installed.
    """
    tokenizer = load_tokenizer(name if tokenizer_name is None else tokenizer_name)
    # In float32 the likeliest token does not depend on what a processor does with bfloat16.
    model = (
        _load("AutoModelForCausalLM", EMBEDDED_FOLDER, dtype="float32")
        if name is None
        else _load("AutoModelForCausalLM", name)
    )
    model.eval()
    if name is None:
        return LoadedModel(model, tokenizer, _checked(build_prompt), _summary_as_json)
    in_words = _checked(_prompt_in_words(tokenizer))
    return LoadedModel(model, tokenizer, in_words, _summary_in_words(tokenizer))


def load_tokenizer(name: Name = None) -> Any:
    """The tokenizer of this name or path; None: the embedded model's. Raises as `load_model` does."""
    return _load("AutoTokenizer", EMBEDDED_FOLDER if name is None else name)


def load_eos_token_ids(name: Name = None) -> tuple[int, ...] | None:
    """The ids that end a text, as the configuration of the model names them; the model is not loaded.

    Raises:
        ConstraintError: there is no such model.
    """
    path = EMBEDDED_FOLDER if name is None else name
    try:
        configuration = _load("GenerationConfig", path)
    except ConstraintError:  # older models have it in their main configuration
        configuration = _load("AutoConfig", path)
    eos = getattr(configuration, "eos_token_id", None)
    if eos is None:
        return None
    return tuple(eos) if isinstance(eos, (list, tuple)) else (eos,)


def embedded_card() -> dict[str, Any]:
    """What is known about the embedded model without loading it; empty if the package carries none."""
    configuration = EMBEDDED_FOLDER / "config.json"
    if not configuration.exists():
        return {}
    values = json.loads(configuration.read_text(encoding="utf-8"))
    n_bytes = sum(path.stat().st_size for path in EMBEDDED_FOLDER.iterdir())
    return {
        "architecture": values["model_type"],
        "layers": values["num_hidden_layers"],
        "width": values["hidden_size"],
        "vocabulary": values["vocab_size"],
        "context": values["max_position_embeddings"],
        "megabytes": round(n_bytes / 1e6, 1),
        "card": str(EMBEDDED_FOLDER / "README.md"),
    }


def _load(class_name: str, path: str | os.PathLike[str], **options: Any) -> Any:
    if not isinstance(path, (str, os.PathLike)):
        raise ConstraintError("the name of a model or tokenizer must be a text or a path", got=path)
    path = os.fspath(path)
    try:
        import transformers
        from transformers.utils import logging
    except ImportError as error:
        raise ConstraintError(
            "running a model needs torch and transformers", advice="pip install 'tokentrellis[transformers]'"
        ) from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        load = getattr(transformers, class_name).from_pretrained
        return load(path, local_files_only=_is_local(path), **options)
    except _LOADING_ERRORS as error:
        kind = "tokenizer" if class_name == "AutoTokenizer" else "model"
        reason = next(iter(str(error).splitlines()), "").rstrip(": ") or type(error).__name__
        raise ConstraintError(
            f"the {kind} cannot be loaded ({reason})",
            got=path,
            advice=f"give a folder with a Hugging Face {kind}, or a name that a hub knows",
        ) from error


def _is_local(path: str) -> bool:
    """Whether only files on this machine count: for a folder, and for a name while no hub answers.

    Without this look transformers asks for every file again and again, for a minute, before it gives up.

    Raises:
        ConstraintError: it is the path of a folder that does not exist, or neither a folder nor a name.
    """
    if path.strip() and Path(path).is_dir():
        return True
    if path.startswith((".", "/", "~")) or path.count("/") > 1 or "\\" in path or not path.strip():
        raise ConstraintError(
            "the model or tokenizer cannot be loaded: there is no such folder",
            got=path,
            advice="check the path, or give a name that a hub knows",
        )
    from huggingface_hub import constants

    try:
        urllib.request.urlopen(urllib.request.Request(constants.ENDPOINT, method="HEAD"), timeout=HUB_SECONDS)
    except urllib.error.HTTPError:  # an answer too
        return False
    except OSError:
        return True
    return False


def _checked(build: Callable[[str, Any], str]) -> Callable[[str, Any], str]:
    """`build` for a text and a schema as a user gives them."""

    def prompt(text: str, schema: Any) -> str:
        if not isinstance(text, str) or not text.strip():
            raise ConstraintError("prompt: needs a text", got=text, advice="give a text that is not empty")
        described = build(check_text(text, "prompt"), json_schema_of(schema))
        # A schema may have half of a surrogate pair, as JSON may; no tokenizer takes it.
        return described.encode("utf-8", JSON_ESCAPE).decode()

    return prompt


def _summary_as_json(text: str, length: str) -> str:
    """For the embedded model, which knows texts as members of objects only; what follows is in the string."""
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}
    return _checked(build_prompt)(text, schema) + '{"summary":"'


def _summary_in_words(tokenizer: Any) -> Callable[[str, str], str]:
    def prompt(text: str, length: str) -> str:
        check_text(text, "prompt")
        return _ask(tokenizer, f"Summarize this text in {length}.\n\nText: {text}", "Summary: ")

    return prompt


def _prompt_in_words(tokenizer: Any) -> Callable[[str, Any], str]:
    def prompt(text: str, schema: Any) -> str:
        schema_text = write_json(schema)
        task = f"Write what this text says as JSON by this schema.\n\nSchema: {schema_text}\n\nText: {text}"
        return _ask(tokenizer, task, "JSON: ")

    return prompt


def _ask(tokenizer: Any, task: str, lead: str) -> str:
    """A task through the chat template, where there is one; elsewhere followed by a lead to the answer."""
    if not getattr(tokenizer, "chat_template", None):
        return f"{task}\n\n{lead}"
    message = [{"role": "user", "content": task}]
    chat: str = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    # Templates write the token that begins a text, and many tokenizers put it in front by themselves.
    is_added = tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    return chat.removeprefix(tokenizer.bos_token) if is_added else chat
