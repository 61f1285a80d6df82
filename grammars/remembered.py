"""What the front ends remember from one grammar to the next, and how to make them forget it.

Many functions here keep their last results (`functools.lru_cache`), by the thousand: the language of a number
between two bounds, the expression of a pattern. That pays where grammars resemble each other. A server that
reads new grammars without an end would hold the results of the last ten thousand of them; it calls
`forget_results` now and then. What is forgotten is computed again when it is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any


class Results(dict[Any, Any]):
    """Results of a module by what they depend on, where a function's arguments alone do not say that."""

    def cache_clear(self) -> None:
        """Forget them, as `lru_cache` calls it."""
        self.clear()


def remembering_functions() -> Iterator[Any]:
    """The functions of this package, as far as it is loaded, that keep results, and the `Results`."""
    package = __name__.rpartition(".")[0]
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for value in list(vars(module).values()):
                if isinstance(value, type) or not hasattr(value, "cache_clear"):
                    continue
                if isinstance(value, Results) or getattr(value, "__module__", None) == name:
                    yield value


def forget_results() -> None:
    """Forget all results that are kept. From any thread; grammars that are in use are not touched."""
    for function in remembering_functions():
        function.cache_clear()
