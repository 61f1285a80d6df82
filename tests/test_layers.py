"""The shape of the package: who imports whom, what is public, what `import tokentrellis` costs.

The sources are read with `ast`, not imported: a forbidden import inside a function is found too.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FOLDERS = ("_ext", "grammars", "decoding", "samplers", "_package")
MAY_IMPORT = {
    "_ext": set(),
    "grammars": set(),
    "decoding": {"grammars", "_ext"},
    "samplers": {"decoding"},
    "_package": {"grammars", "decoding", "samplers"},
}
SEES_BOTH = "decoding/compile.py"  # the one module that may know both the core and the grammars
TENSOR_MODULES = {
    "_package/benchmark/peer_processor.py",
    "decoding/bitmask.py",
    "decoding/countdown.py",
    "decoding/countdown_model.py",
    "decoding/countdown_training.py",
    "decoding/device_rows.py",
    "decoding/generate.py",
    "decoding/length_tokens.py",
    "decoding/masked_scores.py",
    "decoding/model_writer.py",
    "decoding/processors.py",
    "decoding/self_terminating_model.py",
    "decoding/self_termination.py",
    "decoding/speculative.py",
    "decoding/termination.py",
    "_package/integrations/sglang_backend.py",
    "_package/integrations/vllm_backend.py",
    "_package/integrations/vllm_processor.py",
    "_package/serving/batch.py",
    "_package/serving/choosing.py",
    "_package/serving/scheduler.py",
    "decoding/trace_recorder.py",
}


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(level, dotted module) of every import statement; `from .. import x` gives (2, "x")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.level, node.module
            else:
                yield from ((node.level, alias.name) for alias in node.names)


def imports_at_load(tree: ast.Module) -> Iterator[str]:
    """Top parts of the absolute imports that run when the module is loaded."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (module.split(".")[0] for level, module in imports(node) if level == 0)
        else:
            pending.extend(ast.iter_child_nodes(node))


def folders_imported(path: Path, tree: ast.AST) -> set[str]:
    """The folders of ours outside its own that a module imports."""
    depth = len(path.relative_to(ROOT).parts) - 1  # 1 for decoding/x.py, 2 for grammars/json_schema/x.py
    found = set()
    for level, module in imports(tree):
        parts = module.split(".")
        if level == 0 and parts[0] in (*FOLDERS, "tokentrellis"):
            found.add(f"{parts[0]} by an absolute import")
        elif level > depth or (level == 1 and path.parent.name == "_package"):
            found.add(parts[0])
    return found & set(FOLDERS) | {item for item in found if "absolute" in item}


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_point_downward(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    folder = path.relative_to(ROOT).parts[0]
    found = folders_imported(path, tree)
    allowed = MAY_IMPORT[folder]
    assert found <= allowed, f"{name_of(path)} may import {sorted(allowed)} only"
    if found >= {"grammars", "_ext"}:
        assert name_of(path) == SEES_BOTH, f"only {SEES_BOTH} may import both the grammars and the core"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_tensor_libraries_stay_where_tensors_are(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    heavy = {"torch", "transformers"} & set(imports_at_load(tree))
    if name_of(path) not in TENSOR_MODULES and path.parent.name != "samplers":
        assert not heavy, f"{name_of(path)} must import {heavy} inside the function that needs it"


def test_the_rule_itself_finds_what_it_should() -> None:
    inside = ROOT / "grammars" / "json_schema" / "objects.py"
    assert folders_imported(inside, ast.parse("from ..decoding import x")) == set()  # grammars.decoding
    assert folders_imported(inside, ast.parse("def f():\n  from ...decoding.vocabulary import x")) == {
        "decoding"
    }
    assert folders_imported(ROOT / "grammars" / "regex.py", ast.parse("from .. import _ext")) == {"_ext"}
    assert folders_imported(ROOT / "grammars" / "regex.py", ast.parse("import tokentrellis.decoding"))
    assert folders_imported(ROOT / "_package" / "a.py", ast.parse("from .decoding import x")) == {"decoding"}
    code = "if TYPE_CHECKING:\n  import torch\nelse:\n  import numpy\ndef f():\n  import transformers"
    assert list(imports_at_load(ast.parse(code))) == ["numpy"]


def package_of(folder: str) -> str:
    """The import name of a folder: what is in `_package` is at the top."""
    return ".".join(["tokentrellis", *folder.removeprefix("_package/").split("/")]).removesuffix("._package")


def test_packages_are_the_folders() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = sorted({name_of(path.parent) for path in sources() if path.name == "__init__.py"})
    modules = {name_of(path.parent) for path in sources()}
    expected = {package_of(folder): folder for folder in folders}
    assert modules <= set(folders), "every folder with modules needs an __init__.py"
    assert sorted(settings["packages"]) == sorted(expected)
    mapped = settings["package-dir"]
    for package, folder in expected.items():
        parent = package.rpartition(".")[0]
        assert mapped.get(package, f"{mapped.get(parent)}/{package.rpartition('.')[2]}") == folder
    assert not (ROOT / "__init__.py").exists()
    assert not (ROOT / "tokentrellis").exists()


def test_setup_decides_about_bounds_checks() -> None:
    source = (ROOT / "_ext" / "core.pyx").read_text(encoding="utf-8")
    assert "boundscheck" not in source, "a directive in the file would override the one of `make checks`"


def test_every_public_name_exists() -> None:
    import tokentrellis

    missing = [name for name in tokentrellis.__all__ if not hasattr(tokentrellis, name)]
    assert not missing
    assert sorted(tokentrellis.__all__) == sorted(tokentrellis._MODULE_OF_NAME)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tokentrellis.no_such_name


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    tree = ast.parse((ROOT / "_package" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        alias.name: f".{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    import tokentrellis

    assert declared == tokentrellis._MODULE_OF_NAME


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_all_lists_name_what_exists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if name_of(path) == "_package/__init__.py":  # its names are loaded on demand: tested above
        return
    defined: set[str] = set()
    listed: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            defined |= names
            if "__all__" in names and node.value is not None:
                listed = list(ast.literal_eval(node.value))
    assert set(listed) <= defined


def run_python(code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "tests", check=True
    )
    return finished.stdout


def test_import_loads_no_heavy_library() -> None:
    code = "import json, sys, tokentrellis; print(json.dumps(sorted(sys.modules)))"
    loaded = {module.split(".")[0] for module in json.loads(run_python(code))}
    assert not loaded & {"torch", "transformers", "numpy", "pydantic", "typer", "rich"}


def test_grammars_and_masks_need_no_tensor_library() -> None:
    code = """
import sys, tokentrellis as tt
vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
matcher = tt.compile_grammar(tt.from_json_schema({"type": "boolean"}), vocabulary).matcher()
bitmask = tt.allocate_bitmask(1, 257)
matcher.fill_bitmask(bitmask)
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""
    assert run_python(code).strip() == "[]"
