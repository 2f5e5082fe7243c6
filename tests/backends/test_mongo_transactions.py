"""Transactions of the Mongo store through a network that fails: what was asked for is done once, or not at all."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("beanie")

from pymongo.errors import DuplicateKeyError

from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import StoreUnavailableException
from fastauth.core.models import NewUser
from fastauth.core.protocols import Commit
from tests.reliability.proxy import Proxy, proxy_to
from tests.servers import closed, mongo_client, mongo_database, port_of

COMMIT = b"commitTransaction"
Trouble = Callable[[Commit[Any]], Awaitable[None]]


async def no_trouble(_: Commit[Any]) -> None:
    """Do nothing."""


class Distant:
    """A store with a user, on a replica set behind a proxy.

    Attributes:
        steps: How often the step before the commit was taken.
    """

    def __init__(self, store: MongoStore[Any], proxy: Proxy, user_id: str) -> None:
        self.store = store
        self.proxy = proxy
        self.user_id = user_id
        self.steps = 0

    @property
    def notes(self) -> Any:
        """A collection of the app's."""
        return self.store.database["notes"]

    async def grant(self, *, before: Trouble = no_trouble, after: Trouble = no_trouble) -> bool:
        """Grant a role, and store a note in the step; the first time with trouble before the note, or after it."""

        async def step(commit: Commit[Any]) -> None:
            self.steps += 1
            await (before if self.steps == 1 else no_trouble)(commit)
            await self.notes.insert_one({"text": "granted"}, session=commit.session)
            await (after if self.steps == 1 else no_trouble)(commit)

        return await self.store.before_commit(step).grant_role(self.user_id, "editor")

    async def seen(self) -> tuple[bool, int]:
        """Say whether the role was granted, and how many notes there are."""
        account = await self.store.get_user(self.user_id)
        assert account is not None
        return "editor" in account.roles, await self.notes.count_documents({})


@pytest.fixture
async def distant() -> AsyncGenerator[Distant, None]:
    async with mongo_database("mongo-replica-set") as database, proxy_to(port_of("mongo-replica-set")) as proxy:
        near = MongoStore(database)
        await near.create_schema()
        await near.ensure_roles({"editor": ""})
        await database.create_collection("notes")
        account = await near.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])
        client = mongo_client("127.0.0.1", proxy.port, directConnection=True)
        yield Distant(MongoStore(client[database.name]), proxy, account.id)
        await closed(client)


async def test_a_commit_whose_answer_is_lost_is_asked_for_again(distant: Distant) -> None:
    """Where the network takes the answers to a commit, it is sent again, and all of it has happened once."""
    distant.proxy.cut_after = [COMMIT] * 2  # the driver itself sends it a second time

    assert await distant.grant()

    assert distant.proxy.cut_after == []
    assert distant.steps == 1
    assert await distant.seen() == (True, 1)


async def test_a_commit_that_is_never_answered_is_an_outage(distant: Distant) -> None:
    """Where no answer to a commit ever comes, the store says that it is out of reach, and has tried three times."""
    distant.proxy.cut_after = [COMMIT] * 99

    with pytest.raises(StoreUnavailableException):
        await distant.grant()

    assert len(distant.proxy.cut_after) == 99 - 2 * 3
    distant.proxy.cut_after.clear()
    assert await distant.seen() in {(True, 1), (False, 0)}


async def test_a_transaction_whose_connection_is_cut_is_begun_again(distant: Distant) -> None:
    """Where the network fails before the commit, verb and step are taken once more, and have happened once."""

    async def cut(_: Commit[Any]) -> None:
        distant.proxy.cut()

    assert await distant.grant(before=cut)

    assert distant.steps == 2
    assert await distant.seen() == (True, 1)


async def test_a_transaction_that_the_server_has_ended_is_begun_again(distant: Distant) -> None:
    """Where the server has ended a transaction by the time of its commit, verb and step are taken once more."""

    async def kill(commit: Commit[Any]) -> None:
        await distant.store.database.client.admin.command("killSessions", [commit.session.session_id])

    assert await distant.grant(after=kill)

    assert distant.steps == 2
    assert await distant.seen() == (True, 1)


async def test_an_error_of_the_apps_own_step_is_not_hidden(distant: Distant) -> None:
    """What the driver raises in the app's step is raised as it is, and nothing has happened."""
    await distant.notes.create_index("text", unique=True)
    await distant.notes.insert_one({"text": "granted"})

    with pytest.raises(DuplicateKeyError):
        await distant.grant()

    assert distant.steps == 1
    assert await distant.seen() == (False, 1)
