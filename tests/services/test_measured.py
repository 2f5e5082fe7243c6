"""Calls of the store are measured, whatever becomes of them."""

import asyncio

import pytest

from fastauth import (
    ConfigurationError,
    PermissionDeniedException,
    StoreUnavailableException,
    UserExistsException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.protocols import Commit
from fastauth.core.telemetry import SILENT, Telemetries
from fastauth.services.measured import with_measurements
from fastauth.services.verbs import VERBS
from tests.telemetry.recorder import Recorder


def test_a_store_that_nobody_measures_is_the_store_itself() -> None:
    """Without a telemetry there is nothing between the services and the store."""
    store = MemoryStore()

    assert with_measurements(store, SILENT) is store


async def test_a_call_is_told_with_its_verb_and_its_span() -> None:
    """A call is answered as ever, and told when it is over."""
    recorder = Recorder()
    store = with_measurements(MemoryStore(), Telemetries([recorder]))

    assert await store.get_user("1") is None

    assert recorder.told == [("begin", "store.get_user"), ("end", "store.get_user"), ("store", "get_user", "ok")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StoreUnavailableException(), "StoreUnavailableException"),
        (ConfigurationError("The database refuses the app."), "ConfigurationError"),
        (LookupError("a mistake in a store"), "LookupError"),
        (UserExistsException(field="email"), "refused"),
        (PermissionDeniedException(), "refused"),
    ],
)
async def test_a_call_that_fails_is_told_from_one_that_is_refused(error: Exception, outcome: str) -> None:
    """What the store raises rises; a failure is told by its class, and an answer that any client can cause is none."""

    class Raising(MemoryStore):
        async def get_user(self, user_id: str) -> None:
            raise error

    recorder = Recorder()

    with pytest.raises(type(error)):
        await with_measurements(Raising(), Telemetries([recorder])).get_user("1")

    assert recorder.about("store") == [("store", "get_user", outcome)]


async def test_a_call_that_is_cancelled_is_told() -> None:
    """The client that went away is told as what it is."""

    class Hung(MemoryStore):
        async def get_user(self, user_id: str) -> None:
            await asyncio.Event().wait()

    recorder = Recorder()

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(with_measurements(Hung(), Telemetries([recorder])).get_user("1"), 0.01)

    assert recorder.about("store") == [("store", "get_user", "CancelledError")]


async def test_a_verb_with_a_step_before_its_commit_is_told_as_well() -> None:
    """``before_commit`` gives a store that is measured, too."""
    recorder = Recorder()

    async def step(commit: Commit[object]) -> None:
        await commit.store.list_roles()

    store = with_measurements(MemoryStore(), Telemetries([recorder])).before_commit(step)
    await store.add_role("critic", "Reads.")

    assert ("store", "add_role", "ok") in recorder.told


def test_what_is_no_verb_is_left_as_it_is() -> None:
    """The schema's life is not measured, and neither is what does no I/O."""
    assert VERBS.isdisjoint({"create_schema", "missing_schema", "close", "public_values", "before_commit"})
