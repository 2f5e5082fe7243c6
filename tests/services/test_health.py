"""Whether the app can serve: each thing that it stands on is asked, and no answer says too much."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fastauth import FastAuth, HealthCheck, LimitSettings, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from fastauth.services import health
from tests.web.helpers import FailingStore

SECRET = "postgresql://app:hunter2@db.internal/app"


async def test_an_app_on_a_good_database_is_ready(auth: FastAuth[Any]) -> None:
    """Every store answers the check, and its schema is there."""
    found = await auth.health()

    assert found.ready
    assert found.checks == (HealthCheck("store", ok=True, detail="ok"),)


def _outage() -> Exception:
    error = StoreUnavailableException()
    error.__cause__ = ConnectionRefusedError(SECRET)
    return error


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (_outage(), "cannot be reached: ConnectionRefusedError"),
        (StoreUnavailableException(), "cannot be reached: StoreUnavailableException"),
        (LookupError(SECRET), "does not work: LookupError"),
    ],
)
async def test_a_store_that_does_not_answer_is_said_without_its_address(
    error: Exception, detail: str, make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """What is wrong is told by the kind of the error, and its text stays inside."""
    store = FailingStore(MemoryStore())
    auth = make_auth(store)
    store.error = error

    found = await auth.health()

    assert not found.ready
    assert found.checks == (HealthCheck("store", ok=False, detail=detail),)


async def test_a_store_that_hangs_is_given_up(
    make_auth: Callable[..., FastAuth[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check ends by itself, whatever hangs."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "HEALTH_SECONDS", 0.01)
    store = MemoryStore()
    monkeypatch.setattr(store, "authenticate", hang)

    found = await make_auth(store).health()

    assert found.checks == (HealthCheck("store", ok=False, detail="no answer within 0.01 seconds"),)


async def test_the_storage_of_the_limits_is_asked_where_there_is_one(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """With limits there are two checks, and one that is bad is enough not to be ready."""
    ready = await make_auth(MemoryStore(), limits=LimitSettings()).health()
    auth = make_auth(MemoryStore(), limits=LimitSettings(storage="redis://127.0.0.1:1/0"))
    found = await auth.health()
    await auth.close()

    assert ready.ready
    assert [check.name for check in ready.checks] == ["store", "limits"]
    assert [check.ok for check in found.checks] == [True, False]
    assert not found.ready
