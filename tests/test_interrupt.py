import signal
import threading

import pytest

from topfive.interrupt import after_this_step


def test_the_first_ctrl_c_is_noted_and_the_step_goes_on():
    with after_this_step() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested


def test_the_second_ctrl_c_stops_at_once():
    with after_this_step():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), after_this_step():
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_one_run_does_not_remember_the_interrupt_of_another():
    with after_this_step() as first:
        signal.raise_signal(signal.SIGINT)
    with after_this_step() as second:
        assert first.requested
        assert not second.requested


def test_in_another_thread_nothing_changes():
    handlers = []

    def work() -> None:
        with after_this_step() as interrupt:
            handlers.append((signal.getsignal(signal.SIGINT), interrupt.requested))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [(before, False)]


def test_where_nothing_is_saved_the_first_ctrl_c_stops_at_once():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), after_this_step(saving=False):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_inside_another_one_that_saves_leaves_the_stop_to_it():
    """A trainer without a folder, called from one with a folder: the outer one hears of it, and nothing is torn."""
    with after_this_step() as outer:
        with after_this_step(saving=False) as inner:
            signal.raise_signal(signal.SIGINT)
        assert outer.requested
        assert not inner.requested
