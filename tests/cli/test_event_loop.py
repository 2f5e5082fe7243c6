"""The event loop of a command; how Ctrl-C ends one is in test_target.py."""

import asyncio
import signal
import threading

import pytest

from fastauth.cli.event_loop import run


def test_work_is_done_in_a_thread_too() -> None:
    """Where no signal can be watched for, as in a thread, the work is done all the same."""
    done = list[str]()

    async def work() -> None:
        done.append(threading.current_thread().name)

    thread = threading.Thread(target=run, args=(work,), name="beside")
    thread.start()
    thread.join()

    assert done == ["beside"]


def test_who_watches_for_the_signal_does_so_again_afterwards() -> None:
    """Whatever Ctrl-C did before a command, it does after it."""
    before = signal.getsignal(signal.SIGINT)

    async def work() -> object:
        return signal.getsignal(signal.SIGINT)

    assert run(work) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_call_that_was_given_up_is_no_interruption() -> None:
    """A driver that gives up a call by a cancellation has not pressed Ctrl-C."""

    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(work)
