"""Work with a time limit, in the thread that does it.

What is limited is work in Python: compiling a grammar, writing a prompt. A timer in another thread raises an
exception in this one, which Python delivers between two of its instructions; so the work needs to know
nothing of it, and a call into the compiled core is finished first (there, limits of its own count). The work
must keep nothing half made that outlives it, and take no lock of Python's own making, such as that of an
import: ours makes new objects, which are dropped. Cost: the start of one thread.
"""

from __future__ import annotations

import _thread
import ctypes
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..grammars.errors import ConstraintError, LimitExceededError

Value = TypeVar("Value")

_AGAIN_SECONDS = 0.05

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING = ctypes.py_object()  # NULL


class _Expired(BaseException):
    """Not an Exception, so that no handler in the work takes it for its own."""


class TookTooLongError(LimitExceededError):
    """Work was struck: what it was making may be half made."""


class _Watch:
    """A thread that strikes the one that made it when the time is over, and again and again until it is
    closed: an exception that arrives inside a finaliser is lost.

    What the struck thread does here uses locks of C only. A lock of Python's own making (`threading.Event`)
    may be held for ever if an exception arrives while it is being taken.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = math.inf
        self._struck_thread = threading.get_ident()
        self._lock = threading.Lock()  # held while it strikes, so that nothing arrives after `close`
        self._is_open = True
        self._closed = threading.Lock()  # free when it is closed
        self._closed.acquire()

    def start(self) -> None:
        """Begin to count."""
        self.count()
        _thread.start_new_thread(self._run, ())

    def count(self) -> None:
        """Count the seconds from now on."""
        self._until = time.monotonic() + self._seconds

    def pause(self) -> None:
        """Do not strike until `count` is called again. It may be struck itself, as `close`."""
        try:
            self._pause()
        except _Expired:
            self._pause()

    def _pause(self) -> None:
        with self._lock:
            self._until = math.inf
            _raise_in_thread(self._struck_thread, _NOTHING)

    def _run(self) -> None:
        wait = self._seconds
        while not self._closed.acquire(timeout=wait):
            with self._lock:
                if not self._is_open:
                    return
                left = self._until - time.monotonic()
                if left <= 0:
                    _raise_in_thread(self._struck_thread, _Expired)
            # Paused, it looks again as if it had begun to count in this moment.
            wait = _AGAIN_SECONDS if left <= 0 else min(left, self._seconds)

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
        raise _too_long(seconds, what) from None


def run_each_within(
    seconds: float, what: str, works: Sequence[Callable[[], None]]
) -> dict[int, ConstraintError]:
    """Do some works one after the other, each with so many seconds; the errors of our family, by number.

    what: as for `run_within`. Other errors end it.
    """
    failed: dict[int, ConstraintError] = {}
    watch = _Watch(seconds)
    watch.start()
    try:
        for number, work in enumerate(works):
            try:
                try:
                    watch.count()
                    work()
                finally:
                    watch.pause()
            except _Expired:
                watch.pause()
                failed[number] = _too_long(seconds, what)
            except ConstraintError as error:
                failed[number] = error
    finally:
        watch.close()
    return failed


def _too_long(seconds: float, what: str) -> TookTooLongError:
    return TookTooLongError(what, given=f"more than {seconds:g}", limit=f"{seconds:g}", advice="simplify it")
