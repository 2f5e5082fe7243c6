"""Nobody waits for longer than they are ready to, and nobody's own cancellation is lost by it."""

import asyncio
import sys

import anyio
import pytest

from fastauth.core.patience import Patience

NOW = 0.0
NEVER = 3600.0


class NotYet(Patience):
    """A patience that has a reason to go on."""

    def is_over(self) -> bool:
        """Say no."""
        return False


async def for_ever() -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


async def test_what_is_done_in_time_is_not_noticed() -> None:
    """A result and an error pass through."""
    with Patience(NEVER):
        await asyncio.sleep(0)
    with pytest.raises(KeyError), Patience(NEVER):
        raise KeyError


async def test_what_takes_too_long_is_left() -> None:
    """The block ends without an error, the task goes on, and counts as cancelled by nobody."""
    with Patience(NOW):
        await for_ever()

    await asyncio.sleep(0)
    with anyio.CancelScope() as scope:  # is undisturbed by what was before
        await asyncio.sleep(0)
    assert not scope.cancelled_caught


async def test_it_goes_on_while_there_is_a_reason() -> None:
    """Where its time is not over when the time has come, the block goes on to its end."""
    with NotYet(NOW):
        await asyncio.sleep(0.01)
        return

    pytest.fail("The block was left.")


@pytest.mark.parametrize("seconds", [NOW, NEVER])
async def test_of_two_the_shorter_one_is_over(seconds: float) -> None:
    """One within another is left alone, and the outer one takes the inner one with it."""
    left = []
    with Patience(NEVER - seconds):
        with Patience(seconds):
            await for_ever()
        left.append("inner")

    assert left == (["inner"] if seconds == NOW else [])


async def test_who_is_cancelled_is_cancelled() -> None:
    """A cancellation from outside is never taken for impatience."""

    async def wait() -> None:
        with Patience(NEVER):
            await for_ever()

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not count who cancels.")
async def test_who_is_cancelled_at_that_very_moment_is_cancelled() -> None:
    """Impatience does not swallow a cancellation that comes together with it."""

    class Cancelled(Patience):
        def is_over(self) -> bool:
            task.cancel()
            return True

    async def wait() -> None:
        with Cancelled(NOW):
            await for_ever()

    task = asyncio.ensure_future(wait())

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_scope_around_it_is_obeyed() -> None:
    """A cancel scope of anyio's around it ends the block, and catches its own."""
    with anyio.CancelScope() as scope:
        asyncio.get_running_loop().call_soon(scope.cancel)
        with Patience(NEVER):
            await for_ever()

    assert scope.cancelled_caught


async def test_cleaning_up_takes_no_longer_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the block awaits on its way out is cancelled in turn, until it is out."""
    monkeypatch.setattr("fastauth.core.patience._AGAIN", 0)
    steps = []
    with Patience(NOW):
        try:
            await for_ever()
        finally:
            steps.append("first")
            try:
                await for_ever()
            finally:
                steps.append("second")
                await for_ever()

    assert steps == ["first", "second"]


async def test_what_ends_all_the_same_has_ended() -> None:
    """A block that is over but finds its result after all is left with it, and the task is as good as new."""

    async def wait() -> str:
        with Patience(NOW):
            try:
                await for_ever()
            except asyncio.CancelledError:
                return "found"
        return "left"

    assert await wait() == "found"
    await asyncio.sleep(0)
