"""Work with a time limit, in the thread that does it.

What is limited is work in Python: compiling a grammar, writing a prompt. A timer in another thread raises an
exception in this one, which Python delivers between two of its instructions; so the work needs to know
nothing of it, and a call into the compiled core is finished first (there, limits of its own count). The
work must keep nothing that outlives it half made; ours makes new objects, which are dropped. Cost: the start
of one thread.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

from ..grammars.errors import LimitExceededError

Value = TypeVar("Value")

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING = ctypes.py_object()  # NULL


class _Expired(BaseException):
    """Not an Exception, so that no handler in the work takes it for its own."""


class _Watch:
    """Strikes at most once, and never after it was closed."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_open = True

    def strike(self) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                _raise_in_thread(self._thread, _Expired)

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            _raise_in_thread(self._thread, _NOTHING)  # forget one that was raised and not delivered


def run_within(seconds: float, what: str, work: Callable[[], Value]) -> Value:
    """What `work()` returns.

    what: the name of the work in the error, "seconds to compile the grammar".

    Raises:
        LimitExceededError: it took longer. Whatever `work` raises.
    """
    watch = _Watch()
    timer = threading.Timer(seconds, watch.strike)
    timer.daemon = True
    try:
        timer.start()
        try:
            return work()
        finally:
            watch.close()
    except _Expired:
        raise LimitExceededError(
            what, given=f"more than {seconds:g}", limit=f"{seconds:g}", advice="simplify it"
        ) from None
    finally:
        timer.cancel()
