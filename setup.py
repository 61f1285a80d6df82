"""Builds the one compiled module, `tokentrellis._ext.core`, from `_ext/core.pyx` and the headers beside it.

Everything else about the package is in pyproject.toml. With TOKENTRELLIS_CHECKS=1 in the environment the
module is built with bounds checks, in Cython and in the C++ library, with debug symbols, and with caches
that forget all the time (_ext/cache_limits.hpp): slow, for the target `make checks` only. The generated C++
goes to build/, a folder for each kind.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKS = os.environ.get("TOKENTRELLIS_CHECKS", "0") not in ("", "0")

if sys.platform == "win32":
    compile_arguments = ["/std:c++17", "/O2"]
elif CHECKS:
    compile_arguments = ["-std=c++17", "-O1", "-g", "-D_GLIBCXX_ASSERTIONS", "-DTOKENTRELLIS_CHECKS"]
else:
    # Calls within the module go straight, and a function begins where a line of the cache does: a step that
    # meets something new runs through so much code once that a third of its time is waiting for code.
    compile_arguments = ["-std=c++17", "-O3", "-fvisibility=hidden", "-falign-functions=64"]

core = Extension(
    "tokentrellis._ext.core",
    sources=["_ext/core.pyx"],
    depends=sorted(str(path) for path in Path("_ext").iterdir() if path.suffix in (".hpp", ".pxi")),
    include_dirs=["_ext"],
    extra_compile_args=compile_arguments,
    language="c++",
)

setup(
    ext_modules=cythonize(
        [core],
        build_dir="build/cython-checks" if CHECKS else "build/cython",
        compiler_directives={"language_level": 3, "boundscheck": CHECKS, "wraparound": False},
    )
)
