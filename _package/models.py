"""Models for the command line: a name or nothing in, a loaded model with its tokenizer and its way to prompt
out.

Without a name it is the model that the package carries, which needs no network. A named model is loaded by
transformers, from a folder or from a hub; it is prompted in plain words, through its chat template if it has
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .embedded_prompt import build_prompt
from .grammars.errors import ConstraintError

EMBEDDED_FOLDER = Path(__file__).with_name("embedded")


@dataclass(frozen=True)
class LoadedModel:
    """A model, its tokenizer, and `prompt(text, schema)`, which puts a task for this model into words."""

    model: Any
    tokenizer: Any
    prompt: Callable[[str, Any], str]


def load_model(name: str | None = None, tokenizer_name: str | None = None) -> LoadedModel:
    """Load the model of this name or path and its tokenizer; None: the embedded one.

    Raises:
        ConstraintError: it cannot be loaded, or transformers is not installed.
    """
    tokenizer = load_tokenizer(tokenizer_name or name)
    model = _load("AutoModelForCausalLM", str(EMBEDDED_FOLDER) if name is None else name)
    model.eval()
    return LoadedModel(model, tokenizer, build_prompt if name is None else _prompt_in_words(tokenizer))


def load_tokenizer(name: str | None = None) -> Any:
    """The tokenizer of this name or path; None: the embedded model's. Raises as `load_model` does."""
    return _load("AutoTokenizer", str(EMBEDDED_FOLDER) if name is None else name)


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


def _load(class_name: str, path: str) -> Any:
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
        return getattr(transformers, class_name).from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ConstraintError(
            f"the model or tokenizer cannot be loaded ({error})",
            got=path,
            advice="give a folder with a Hugging Face model, or a name that a hub knows",
        ) from error


def _prompt_in_words(tokenizer: Any) -> Callable[[str, Any], str]:
    def prompt(text: str, schema: Any) -> str:
        schema_text = json.dumps(schema, ensure_ascii=False)
        task = f"Write what this text says as JSON by this schema.\n\nSchema: {schema_text}\n\nText: {text}"
        if not getattr(tokenizer, "chat_template", None):
            return f"{task}\n\nJSON: "
        message = [{"role": "user", "content": task}]
        chat = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        # Templates write the token that begins a text, and many tokenizers put it in front by themselves.
        is_added = tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
        return chat.removeprefix(tokenizer.bos_token) if is_added else chat

    return prompt
