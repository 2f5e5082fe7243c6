"""Commands of MongoDB's driver whose answer nobody hears."""

import asyncio
from typing import Any

import pytest

from fastauth import StoreUnavailableException
from fastauth.backends.mongo import MongoStore
from fastauth.backends.mongo.database import Collection
from fastauth.backends.mongo.errors import unbroken
from fastauth.core.models import STANDARD_ROLES, Login, NewUser
from tests.servers import mongo_database


async def test_a_command_whose_waiter_is_cancelled_goes_on_to_its_end() -> None:
    """The driver is never cancelled: it might not let go of its lock, and never find a server again."""
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def command() -> None:
        await goes_on.wait()
        ended.set()

    waiter = asyncio.ensure_future(unbroken(command()))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    goes_on.set()

    await asyncio.wait_for(ended.wait(), 60)


async def test_what_a_command_raises_reaches_who_waits_for_it() -> None:
    """An error of the driver is raised as it is."""

    async def command() -> None:
        raise ValueError("of the driver")

    with pytest.raises(ValueError, match="of the driver"):
        await unbroken(command())


async def test_a_registration_whose_answer_is_lost_leaves_a_whole_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes the document and goes away before it says so: the user is there, with the role."""
    async with mongo_database("mongo-standalone") as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.ensure_roles(STANDARD_ROLES)
        insert_one = Collection.insert_one

        async def insert_and_lose_the_answer(self: Collection, document: Any) -> None:
            await insert_one(self, document)
            if "username" in document:
                raise StoreUnavailableException

        monkeypatch.setattr(Collection, "insert_one", insert_and_lose_the_answer)
        with pytest.raises(StoreUnavailableException):
            await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
        found = await store.find_user(Login("username", "ada"))

        assert found is not None
        assert found.roles == {"user"}
