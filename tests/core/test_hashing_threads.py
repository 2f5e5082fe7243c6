"""The line in front of the threads that hash: bounded, first come first served, and left by who hangs up."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from fastauth import OverloadedException
from fastauth.core import hashing_threads
from fastauth.core.hashing_threads import HashingThreads


def one_thread(*, longest_wait: float = 100, usual: float = 1) -> HashingThreads:
    return HashingThreads(1, longest_wait=longest_wait, usual=usual)


@contextmanager
def occupied(threads: HashingThreads) -> Generator[Callable[[], None], None, None]:
    """Keep the first of the threads busy until the function that is given is called."""
    release = threading.Event()
    busy = asyncio.ensure_future(threads.run(release.wait))
    try:
        yield release.set
    finally:
        release.set()
        busy.cancel()
        threads.close()


async def until_it_began() -> None:
    await asyncio.sleep(0)  # a task that was just made runs up to its first wait


async def refusal_of(work: Any) -> OverloadedException:
    with pytest.raises(OverloadedException) as refused:
        await work
    return refused.value


async def test_who_would_wait_too_long_is_refused_at_once() -> None:
    """With computations of a second and a longest wait of ten, eight may wait for one thread, and a ninth may not."""
    threads = one_thread(longest_wait=10)
    with occupied(threads) as release:
        await until_it_began()
        waiting = [asyncio.ensure_future(threads.run(lambda: "served")) for _ in range(8)]
        await until_it_began()

        with pytest.raises(OverloadedException) as told_before:
            threads.check()
        refused = await refusal_of(threads.run(lambda: "never"))
        release()

        assert await asyncio.gather(*waiting) == ["served"] * 8
        assert refused.retry_after == told_before.value.retry_after == 9


async def test_who_was_let_in_counts_before_they_wait() -> None:
    """Of many who come at once, no more are let in than can be served in time, although all are looked up first."""
    threads = one_thread(longest_wait=10)

    async def come(looked_up: list[int], number: int) -> None:
        with threads.place():
            looked_up.append(number)
            await asyncio.sleep(0)
            await threads.run(lambda: None)

    looked_up: list[int] = []
    arrived = await asyncio.gather(*(come(looked_up, each) for each in range(50)), return_exceptions=True)
    with threads.place():  # there is room again
        threads.close()

    assert looked_up == list(range(9))
    assert [type(each) for each in arrived] == [type(None)] * 9 + [OverloadedException] * 41


async def test_more_threads_serve_more() -> None:
    """The wait is shared by the threads: while one of two is free nobody waits, however long it takes."""
    threads = HashingThreads(2, longest_wait=10, usual=1000)
    with occupied(threads):
        await until_it_began()

        assert await threads.run(lambda: "served") == "served"


async def test_the_line_is_bounded_however_cheap_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past a number of those who wait, everybody else is refused, also where each would take no time at all."""
    monkeypatch.setattr(hashing_threads, "_MOST_WAITING", 2)
    threads = one_thread(usual=0)
    with occupied(threads):
        await until_it_began()
        waiting = [asyncio.ensure_future(threads.run(lambda: None)) for _ in range(2)]
        await until_it_began()

        refused = await refusal_of(threads.run(lambda: None))

        assert refused.retry_after == 1
        for each in waiting:
            each.cancel()


async def test_a_wait_that_was_judged_wrongly_ends_all_the_same() -> None:
    """Who was let in, and whose turn does not come in time, is refused then, and nothing is computed for them."""
    threads = one_thread(longest_wait=0.01, usual=0)
    computed: list[str] = []
    with occupied(threads) as release:
        await until_it_began()

        refused = await refusal_of(threads.run(lambda: computed.append("late")))
        release()

    assert refused.retry_after == 1
    assert computed == []


async def test_what_has_begun_is_not_given_up_for_its_length() -> None:
    """A computation that takes longer than one may wait for it is waited for to its end."""
    threads = one_thread(longest_wait=0.01)
    release = threading.Event()
    asyncio.get_running_loop().call_later(0.05, release.set)

    assert await threads.run(release.wait)
    threads.close()


async def test_nothing_is_computed_for_who_has_hung_up() -> None:
    """A computation whose turn has not come when its request is cancelled is left out, and makes room."""
    threads = one_thread(longest_wait=1.5)
    computed: list[str] = []
    with occupied(threads) as release:
        await until_it_began()
        hung_up = asyncio.ensure_future(threads.run(lambda: computed.append("for nobody")))
        await until_it_began()
        with pytest.raises(OverloadedException):
            threads.check()

        hung_up.cancel()
        await asyncio.wait([hung_up])
        threads.check()
        patient = asyncio.ensure_future(threads.run(lambda: computed.append("for somebody")))
        release()
        await patient

    assert hung_up.cancelled()
    assert computed == ["for somebody"]


async def test_the_first_to_come_is_the_first_to_be_served() -> None:
    """Nobody is overtaken in the line."""
    threads = one_thread()
    served: list[int] = []
    with occupied(threads) as release:
        await until_it_began()
        waiting = [asyncio.ensure_future(threads.run(partial(served.append, number))) for number in range(20)]
        await until_it_began()
        release()
        await asyncio.gather(*waiting)

    assert served == list(range(20))


async def test_what_is_measured_corrects_what_was_guessed() -> None:
    """A guess that is far too long gives way to what computations really take."""
    threads = one_thread(longest_wait=10, usual=1000)
    for _ in range(60):
        await threads.run(lambda: None)
    with occupied(threads):
        await until_it_began()

        threads.check()


async def test_a_computation_that_fails_is_counted_no_longer() -> None:
    """What a computation raises reaches who asked for it, and its place in the line is free again."""
    threads = one_thread(longest_wait=10)

    def fail() -> None:
        raise ValueError

    for _ in range(30):
        with pytest.raises(ValueError):
            await threads.run(fail)
    threads.close()

    threads.check()


FORKING = """
import asyncio, os
from fastauth.core.hashing_threads import HashingThreads

threads = HashingThreads(1, longest_wait=60, usual=0.001)
before = asyncio.run(threads.run(os.getpid))
threads._lock.acquire()  # whoever forks may do it while another thread of the process holds it
child = os.fork()
if child == 0:
    print(asyncio.run(threads.run(os.getpid)) == os.getpid() != before, flush=True)
    threads.close()
    os._exit(0)
os.waitpid(child, 0)
threads._lock.release()
print(asyncio.run(threads.run(os.getpid)) == before)
threads.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_worker_has_threads_of_its_own() -> None:
    """A process that is forked after a hash was computed computes its own, and so does the one that forked it."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert run.stdout.split() == ["True", "True"]
