"""The interfaces of vLLM and SGLang, for tests on machines where these engines cannot run.

Where an engine is installed (or its unpacked wheel is on the path), its own interface files are executed,
with stubs in the place of what they import; elsewhere the classes here stand for them, with the signatures of
vLLM 0.33 and SGLang 0.5.23. Either way no engine runs: tests play its part.
"""

from __future__ import annotations

import enum
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(members)
    module.__path__ = []  # a package
    return module


def _engine_folder(engine: str) -> Path | None:
    """Where the sources of an engine are, without importing it."""
    spec = importlib.util.find_spec(engine)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return Path(places[0]) if places else None


@contextmanager
def engine_modules(engine: str, stubs: dict[str, dict[str, Any]], files: dict[str, str]) -> Iterator[bool]:
    """Put modules in the place of an engine's, and forget them and our adapter afterwards.

    stubs: module name -> members. files: module name -> path in the engine's folder; executed where it is
    there. Yields whether the files were.
    """
    folder = _engine_folder(engine)
    is_real = folder is not None and all((folder / path).is_file() for path in files.values())
    with pytest.MonkeyPatch.context() as patch:
        names = {*stubs, *files}
        names |= {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}
        for name in sorted(names):
            patch.setitem(sys.modules, name, _module(name, **stubs.get(name, {})))
        if is_real:
            for name, path in files.items():
                spec = importlib.util.spec_from_file_location(name, folder / path)
                assert spec is not None
                assert spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                patch.setitem(sys.modules, name, module)
                spec.loader.exec_module(module)
        for name in list(sys.modules):
            if name.startswith(f"tokentrellis.integrations.{engine}"):
                patch.delitem(sys.modules, name)
        yield is_real
        for name in list(sys.modules):
            if name.startswith(f"tokentrellis.integrations.{engine}"):
                del sys.modules[name]


class _ValidationError(ValueError):
    pass


class _Options(enum.Enum):
    JSON = enum.auto()
    JSON_OBJECT = enum.auto()
    REGEX = enum.auto()
    GRAMMAR = enum.auto()
    CHOICE = enum.auto()
    STRUCTURAL_TAG = enum.auto()


@dataclass
class _VllmBackend:
    vllm_config: Any
    tokenizer: Any
    vocab_size: int


class _Direction(enum.Enum):
    UNIDIRECTIONAL = enum.auto()
    SWAP = enum.auto()


@dataclass(frozen=True)
class _BatchUpdate:
    batch_size: int
    removed: Any
    added: Any
    moved: Any


@contextmanager
def vllm_modules(tokenizer: Any) -> Iterator[bool]:
    """vLLM's interfaces; the tokenizer is what its configuration leads to."""
    stubs: dict[str, dict[str, Any]] = {
        "vllm": {"SamplingParams": object},
        "vllm.exceptions": {"VLLMValidationError": _ValidationError},
        "vllm.tokenizers": {"cached_tokenizer_from_config": lambda model_config: tokenizer},
        "vllm.v1.structured_output.backend_types": {
            "StructuredOutputBackend": _VllmBackend,
            "StructuredOutputGrammar": type("StructuredOutputGrammar", (), {}),
            "StructuredOutputOptions": _Options,
        },
        "vllm.v1.structured_output.backend_outlines": {
            "OutlinesBackend": object,
            "validate_structured_output_request_outlines": print,
        },
        "vllm.v1.sample.logits_processor.interface": {
            "LogitsProcessor": type("ProcessorV1", (), {}),
            "MoveDirectionality": _Direction,
            "BatchUpdate": _BatchUpdate,
        },
        "vllm.v1.worker.gpu.sample.logits_processor.interface": {
            "LogitsProcessor": type("ProcessorV2", (), {}),
        },
    }
    files = {
        "vllm.v1.structured_output.backend_types": "v1/structured_output/backend_types.py",
        "vllm.v1.sample.logits_processor.interface": "v1/sample/logits_processor/interface.py",
        "vllm.v1.worker.gpu.sample.logits_processor.interface": (
            "v1/worker/gpu/sample/logits_processor/interface.py"
        ),
    }
    with engine_modules("vllm", stubs, files) as is_real:
        yield is_real


class _GrammarObject:
    def __init__(self) -> None:
        self.finished = False
        self.grammar_stats = None
        self.current_token: int | None = None

    def maybe_init_reasoning(self, reasoning: bool) -> None:
        pass


class _InvalidGrammarObject(_GrammarObject):
    def __init__(self, error_message: str = "") -> None:
        super().__init__()
        self.error_message = error_message


class _GrammarRow(NamedTuple):
    row: int
    grammar: Any


class _GrammarBackend:
    def __init__(self) -> None:
        self.cache: dict[Any, Any] = {}


_registry: dict[str, Any] = {}
_choices = ["xgrammar", "none"]


class _Resources:
    def __init__(self) -> None:
        self.buffers: dict[str, Any] = {}


class _ReasoningParser:
    def __init__(self, model_type: str, stream_reasoning: bool, tokenizer: Any) -> None:
        self.model_type = model_type


class _ReasonerBackend:
    def __init__(self, backend: Any, parser: Any, tokenizer: Any, enable_strict_thinking: bool) -> None:
        self.grammar_backend, self.parser, self.strict = backend, parser, enable_strict_thinking


@contextmanager
def sglang_modules() -> Iterator[bool]:
    """SGLang's interfaces."""
    resources = _Resources()
    context: dict[str, Any] = dict.fromkeys(("get_context", "get_exec", "get_serving"))
    stubs: dict[str, dict[str, Any]] = {
        "sglang.srt.parser.reasoning_parser": {"ReasoningParser": _ReasoningParser},
        "sglang.srt.runtime_context": {**context, "get_resources": lambda: resources},
        "sglang.srt.server_args": {"ServerArgs": object},
        "sglang.srt.constrained.reasoner_grammar_backend": {"ReasonerGrammarBackend": _ReasonerBackend},
        "sglang.srt.constrained.base_grammar_backend": {
            "BaseGrammarBackend": _GrammarBackend,
            "BaseGrammarObject": _GrammarObject,
            "InvalidGrammarObject": _InvalidGrammarObject,
            "GrammarRow": _GrammarRow,
            "GRAMMAR_BACKEND_REGISTRY": _registry,
            "register_grammar_backend": _registry.__setitem__,
            "register_vocab_mask_buffer": lambda name, mask, rows: mask,
        },
        "sglang.srt.arg_groups.choices": {
            "GRAMMAR_BACKEND_CHOICES": _choices,
            "add_grammar_backend_choices": _choices.extend,
        },
    }
    files = {
        "sglang.srt.arg_groups.choices": "srt/arg_groups/choices.py",
        "sglang.srt.constrained.base_grammar_backend": "srt/constrained/base_grammar_backend.py",
    }
    with engine_modules("sglang", stubs, files) as is_real:
        yield is_real


def adapter(name: str) -> Any:
    """One of our adapters, imported with the interfaces that are in place now."""
    return importlib.import_module(f"tokentrellis.integrations.{name}")
