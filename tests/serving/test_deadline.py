"""Work with a time limit: it ends, and nothing of it is left in the thread."""

from __future__ import annotations

import _thread

import pytest
from tokentrellis.grammars.errors import LimitExceededError, UnsatisfiableError
from tokentrellis.serving.deadline import TookTooLongError, run_each_within, run_within


def endless() -> None:
    while True:
        try:
            sum(range(100))
        except Exception:
            continue


def test_endless_work_ends() -> None:
    with pytest.raises(LimitExceededError, match=r"seconds to think must be at most 0\.01, got 'more than"):
        run_within(0.01, "seconds to think", endless)


def test_results_and_errors_pass() -> None:
    assert run_within(60, "seconds", lambda: 3) == 3
    with pytest.raises(KeyError):
        run_within(60, "seconds", lambda: {}[1])


def test_no_thread_is_left() -> None:
    before = _thread._count()
    for _ in range(20):
        run_within(3600, "seconds", lambda: None)
    for _ in range(10_000_000):  # they end by themselves
        if _thread._count() <= before:
            break
    assert _thread._count() <= before


class _Finalised:
    """Loses the first exception that arrives: what a finaliser raises is ignored."""

    n_struck = 0

    def __del__(self) -> None:
        try:
            while True:
                sum(range(100))
        finally:
            _Finalised.n_struck += 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_that_is_lost_is_raised_again() -> None:
    def work() -> None:
        _Finalised()
        endless()

    with pytest.raises(LimitExceededError):
        run_within(0.01, "seconds", work)
    assert _Finalised.n_struck == 1


def test_a_strike_in_the_last_moment_is_ours_or_nobodys() -> None:
    """The end of the work and the strike race: it is a result or our error, never the bare exception."""
    outcomes = set()
    for round_number in range(300):
        seconds = 0.0002 * (round_number % 5)
        try:
            outcomes.add(run_within(seconds, "seconds", lambda: sum(range(20_000))) > 0)
        except LimitExceededError:
            outcomes.add(False)
    assert sum(range(1000)) == 499500  # nothing is raised any more
    assert outcomes <= {True, False}


def test_each_has_its_own_time() -> None:
    def refuse() -> None:
        raise UnsatisfiableError("no text can satisfy this")

    done: list[int] = []
    works = [endless, lambda: done.append(1), refuse, endless, lambda: done.append(4)]
    failed = run_each_within(0.02, "seconds", works)
    kinds = {number: type(error) for number, error in failed.items()}
    assert kinds == {0: TookTooLongError, 2: UnsatisfiableError, 3: TookTooLongError}
    assert done == [1, 4]
    with pytest.raises(KeyError):
        run_each_within(60, "seconds", [lambda: {}[1]])


def test_the_time_of_many_is_not_that_of_one() -> None:
    """A hundred works, which together take longer than one may."""
    works = [lambda: _ignored(sum(range(300_000))) for _ in range(100)]
    assert run_each_within(0.5, "seconds", works) == {}


def _ignored(value: object) -> None:
    del value
