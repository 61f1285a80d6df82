"""The source distribution has what it takes to build and test the package, and nothing that was built.

Compiling the core takes minutes, so the build and the installation in an empty environment are tested only
with TOKENTRELLIS_TEST_BUILD=1 in the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("Cython")
pytest.importorskip("setuptools", minversion="77")

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BUILD = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("tokentrellis-*.tar.gz")
    return found


@pytest.fixture(scope="module")
def members(distribution: Path) -> set[str]:
    """The files in it, without the folder that all are in."""
    with tarfile.open(distribution) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def sources() -> Iterator[Path]:
    """Files of the packages, and of the other folders that belong to a copy of the repository."""
    for folder in (
        "_ext",
        "_package",
        "bench",
        "decoding",
        "docs",
        "examples",
        "grammars",
        "samplers",
        "tests",
    ):
        for path in (ROOT / folder).rglob("*"):
            is_result = "results" in path.parts and folder == "bench"
            if path.is_file() and "__pycache__" not in path.parts and not is_result:
                yield path


def test_every_source_is_inside(members: set[str]) -> None:
    built = (".so", ".pyd", ".pyc", ".cpp")
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if path.suffix not in built and path.name[0] != "."
    }
    assert len(expected) > 400
    assert expected <= members, sorted(expected - members)


def test_what_surrounds_the_sources_is_inside(members: set[str]) -> None:
    files = {
        "CHANGELOG.md",
        "CITATION.cff",
        "LICENSE",
        "Makefile",
        "README.md",
        "constraints.txt",
        "mkdocs.yml",
    }
    assert files | {"pyproject.toml", "setup.py"} <= members


def test_nothing_that_was_built_is_inside(members: set[str]) -> None:
    assert not [
        name
        for name in members
        if name.endswith((".so", ".pyd", ".pyc", ".cpp")) or name.startswith("build/")
    ]


def test_versions_agree() -> None:
    version = SETTINGS["project"]["version"]
    assert f'__version__ = "{version}"' in (ROOT / "_package" / "__init__.py").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_wheels_are_built_for_every_version_that_is_claimed() -> None:
    claimed = [
        line.rpartition(" :: ")[2]
        for line in SETTINGS["project"]["classifiers"]
        if line.startswith("Programming Language :: Python :: 3.")
    ]
    built = SETTINGS["tool"]["cibuildwheel"]["build"].split()
    assert built == [f"cp{version.replace('.', '')}-*" for version in claimed]
    program = SETTINGS["tool"]["cibuildwheel"]["test-command"].rpartition("{project}/")[2]
    assert (ROOT / program).is_file()


@pytest.mark.skipif(
    os.environ.get("TOKENTRELLIS_TEST_BUILD") != "1", reason="compiles for minutes: TOKENTRELLIS_TEST_BUILD=1"
)
def test_it_builds_and_works_in_an_empty_environment(distribution: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (
        ["-m", "pip", "install", str(distribution)],
        [str(ROOT / "tests" / "installed_package.py")],
    ):
        subprocess.run([str(python), *command], cwd=tmp_path, env=environment, check=True)
