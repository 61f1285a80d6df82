"""Work with a time limit, in the thread that does it.

What is limited is work in Python: compiling a grammar, writing a prompt. A timer in another thread raises an
exception in this one, which Python delivers between two of its instructions; so the work needs to know
nothing of it, and a call into the compiled core is finished first (there, limits of its own count). The
work must keep nothing half made that outlives it, and take no lock of Python's own making, such as that of
an import: ours makes new objects, which are dropped. Cost: the start
of one thread.
"""

from __future__ import annotations

import _thread
import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

from ..grammars.errors import LimitExceededError

Value = TypeVar("Value")

_AGAIN_SECONDS = 0.05

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING = ctypes.py_object()  # NULL


class _Expired(BaseException):
    """Not an Exception, so that no handler in the work takes it for its own."""


class _Watch:
    """A thread that strikes the one that made it when the time is over, and again and again until it is
    closed: an exception that arrives inside a finaliser is lost.

    What the struck thread does here uses locks of C only. A lock of Python's own making (`threading.Event`)
    may be held for ever if an exception arrives while it is being taken.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._struck_thread = threading.get_ident()
        self._lock = threading.Lock()  # held while it strikes, so that nothing arrives after `close`
        self._is_open = True
        self._closed = threading.Lock()  # free when it is closed
        self._closed.acquire()

    def start(self) -> None:
        """Begin to count."""
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        wait = self._seconds
        while not self._closed.acquire(timeout=wait):
            with self._lock:
                if not self._is_open:
                    return
                _raise_in_thread(self._struck_thread, _Expired)
            wait = _AGAIN_SECONDS

    def close(self) -> None:
        """Strike no more. It may be struck itself; then, for a while, not again."""
        try:
            self._close()
        except _Expired:
            self._close()

    def _close(self) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._closed.release()
            _raise_in_thread(self._struck_thread, _NOTHING)  # forget one that was raised and not delivered


def run_within(seconds: float, what: str, work: Callable[[], Value]) -> Value:
    """What `work()` returns.

    what: the name of the work in the error, "seconds to compile the grammar".

    Raises:
        LimitExceededError: it took longer. Whatever `work` raises.
    """
    watch = _Watch(seconds)
    try:
        try:
            watch.start()
            return work()
        finally:
            watch.close()
    except _Expired:
        watch.close()
        raise LimitExceededError(
            what, given=f"more than {seconds:g}", limit=f"{seconds:g}", advice="simplify it"
        ) from None
