"""A limit of time stops what takes too long, and leaves no alarm behind."""

import contextlib
import signal
import sys
import threading
import time

import pytest

from topfive.checks.limit import within


def test_what_is_quick_enough_is_left_alone_and_others_alarms_stay():
    before = signal.getitimer(signal.ITIMER_REAL)[0]  # the test runner's
    with within(5):
        done = 1 + 1
    after = signal.getitimer(signal.ITIMER_REAL)[0]
    assert done == 2
    assert (before == after == 0) or 0 <= before - after < 5


@pytest.mark.parametrize("swallows", [(), (ValueError,), (Exception,)])
def test_a_loop_without_an_end_is_stopped(swallows):
    def endless():
        with within(0.2):
            while True:
                with contextlib.suppress(*swallows):
                    time.sleep(0.01)

    with pytest.raises(TimeoutError, match="no answer after"):
        endless()


@pytest.mark.parametrize("wait", [lambda: time.sleep(10), lambda: [time.sleep(10) for _ in range(3)]])
@pytest.mark.parametrize("times", [1, 3])
def test_what_swallows_everything_while_it_waits_is_stopped_too(wait, times):
    """Also if it does so once more, and whoever set the limit goes on undisturbed."""
    swallowed = []

    def endless():
        for _ in range(times):
            try:
                while True:
                    try:
                        wait()
                    except BaseException:
                        swallowed.append(1)
            except BaseException:
                swallowed.append(2)
        while True:
            wait()

    tracing, began = sys.gettrace(), time.monotonic()
    with pytest.raises(TimeoutError, match="no answer after"), within(0.2):
        endless()
    done = sorted(["what follows", "runs", "line", "by", "line"])
    assert done[0] == "by"
    assert swallowed
    assert time.monotonic() - began < 15
    assert sys.gettrace() is tracing


def test_an_error_inside_comes_out_as_it_is():
    with pytest.raises(ZeroDivisionError), within(5):
        1 / 0  # noqa: B018


def test_in_another_thread_there_is_no_limit():
    found = []

    def work():
        with within(0.05):
            time.sleep(0.2)
        found.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["done"]
