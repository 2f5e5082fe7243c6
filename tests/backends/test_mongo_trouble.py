"""When MongoDB says no: write conflicts are attempted again three times, and nobody waits for what is not there."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

pytest.importorskip("beanie")

from bson import ObjectId

from fastauth.backends.mongo import MongoStore
from fastauth.backends.mongo.errors import answered_by
from fastauth.backends.mongo.transactions import Transactions
from fastauth.core.exceptions import StoreUnavailableException
from fastauth.core.models import Login, NewUser
from fastauth.core.protocols import Commit
from tests.servers import closed, mongo_client, mongo_database, mongo_transaction

HOLD = {"$set": {"held": True}}


class Held:
    """A store with a user whose account somebody else's transaction has changed, and is in no hurry to commit."""

    def __init__(self, store: MongoStore[Any], user_id: str, other: Any) -> None:
        self.attempts = 0
        self.user_id = user_id
        self.other = other
        self.store = store.before_commit(self._step)

    async def _step(self, commit: Commit[Any]) -> None:
        """Have the verbs run in transactions, which is where conflicts are."""


@pytest.fixture
async def held(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Held, None]:
    async with mongo_database("mongo-replica-set") as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.ensure_roles({"user": "", "editor": ""})
        account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
        async with mongo_transaction(database) as other:
            await database["fastauth_accounts"].update_many({}, HOLD, session=other)
            scene = Held(store, account.id, other)
            attempt = Transactions._attempt

            async def counted(self: Transactions, body: Any) -> Any:
                scene.attempts += 1
                if scene.attempts == 3 and scene.other is None:
                    await other.abort_transaction()
                return await attempt(self, body)

            monkeypatch.setattr(Transactions, "_attempt", counted)
            yield scene


async def test_a_write_conflict_that_lasts_is_an_outage(held: Held) -> None:
    """A change that conflicts with another transaction is attempted four times in all, and is then 503."""
    with pytest.raises(StoreUnavailableException):
        await held.store.grant_role(held.user_id, "editor")

    assert held.attempts == 4


async def test_a_write_conflict_that_passes_is_not_noticed(held: Held) -> None:
    """When the other transaction ends before the third attempt, that one succeeds."""
    held.other = None

    await held.store.grant_role(held.user_id, "editor")

    assert held.attempts == 3
    found = await held.store.get_user(held.user_id)
    assert found is not None
    assert found.roles == {"user", "editor"}


async def test_a_name_that_is_being_taken_is_waited_for(held: Held) -> None:
    """When somebody else's transaction takes a name and then gives it up, before the third attempt, it can be had."""
    taking = {"_id": ObjectId(), "username": "grace", "email": "grace@example.com"}
    await held.store.database["fastauth_users"].insert_one(taking, session=held.other)
    held.other = None

    account = await held.store.add_user(NewUser("grace", "grace@example.com", "hash"), roles=["user"])

    assert held.attempts == 3
    assert await held.store.get_user(account.id) == account


async def test_nobody_waits_for_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server answers, a verb gives up after its patience, and not after the driver's half a minute."""
    monkeypatch.setattr("fastauth.backends.mongo.errors._PATIENCE", 0.1)
    client = mongo_client("127.0.0.1", 1)
    store = MongoStore(client["nowhere"])
    try:
        with anyio.fail_after(20):
            with pytest.raises(StoreUnavailableException):
                await store.find_user(Login("username", "ada"))
    finally:
        await closed(client)


async def test_a_server_that_is_slow_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is there may take its time; that is for ``store_timeout`` to bound."""
    monkeypatch.setattr("fastauth.backends.mongo.errors._PATIENCE", 0.01)
    async with mongo_database("mongo-standalone") as database:
        await database.command("ping")

        with answered_by(database.client):
            await asyncio.sleep(0.1)
