"""Deleting a user whose document is the app's: its hooks for that run, as in the app's own deletions."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

pytest.importorskip("beanie")

from beanie import Delete, Document, DocumentWithSoftDelete, after_event, before_event

from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import ConfigurationError, ProtectedRoleException
from fastauth.core.models import SUPERADMIN, NewUser
from tests.backends.mongo_app import KINDS, Linked, new_session
from tests.servers import mongo_database

ADA = NewUser("ada", "ada@example.com", "hash")

deleted: list[tuple[str, str, bool]] = []  # by the hooks: when, who, and whether the document was there


class Leaver(Document):
    """An app's own user, whom the app wants to know of when the account is deleted."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False

    @before_event(Delete)
    async def part(self) -> None:
        if self.username == "eve":
            raise PermissionError("eve stays")
        deleted.append(("before", self.username, await Leaver.get(self.id) is not None))
        self.username = f"the late {self.username}"

    @after_event(Delete)
    async def mourn(self) -> None:
        deleted.append(("after", self.username, await Leaver.get(self.id) is not None))


class Kept(DocumentWithSoftDelete):
    """An app's own user whose document is kept when it is deleted."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False


@pytest.fixture
async def database() -> AsyncGenerator[Any, None]:
    """A database on one server, before anybody was deleted."""
    deleted.clear()
    async with mongo_database("mongo-standalone") as database:
        yield database


@pytest.mark.parametrize("kind", KINDS)
async def test_the_apps_hooks_run(kind: str) -> None:
    """The hooks before and after a deletion run around it, once each and on one object."""
    deleted.clear()
    async with mongo_database(kind) as database:
        store = MongoStore(database, user_model=Leaver)
        await store.create_schema()
        account = await store.add_user(ADA, roles=[])

        assert await store.delete_user(account.id)
        assert await store.delete_user(account.id) is False

    assert deleted == [("before", "ada", True), ("after", "the late ada", False)]


async def test_a_hook_that_raises_keeps_the_user(database: Any) -> None:
    """What a hook raises before the deletion reaches the caller, and the user is there as before."""
    store = MongoStore(database, user_model=Leaver)
    await store.create_schema()
    account = await store.add_user(NewUser("eve", "eve@example.com", "hash"), roles=[])
    await store.add_session(new_session(account.id), hashed_password="hash")

    with pytest.raises(PermissionError, match="eve stays"):
        await store.delete_user(account.id)

    assert await store.get_user(account.id) == account
    assert await store.authenticate("session-1") is not None


async def test_no_hook_runs_for_who_stays(database: Any) -> None:
    """A deletion that the superadmin rule refuses is not told to the app."""
    store = MongoStore(database, user_model=Leaver)
    await store.create_schema()
    await store.ensure_roles({SUPERADMIN: ""})
    account = await store.add_user(ADA, roles=[SUPERADMIN])

    with pytest.raises(ProtectedRoleException):
        await store.delete_user(account.id)

    assert deleted == []


async def test_who_finishes_a_deletion_tells_the_app(database: Any) -> None:
    """Where a deletion was decided and then broke off, the hook after it runs when the document goes in the end."""
    store = MongoStore(database, user_model=Leaver)
    await store.create_schema()
    await store.add_user(ADA, roles=[])
    await database["fastauth_accounts"].update_one({}, {"$set": {"deleted": True}})

    await store.add_user(ADA, roles=[])

    assert deleted == [("after", "ada", False)]


async def test_the_app_is_told_once_of_a_deletion_that_two_finish(database: Any) -> None:
    """Whoever finds that somebody else has finished the deletion does not tell the app once more."""
    store = MongoStore(database, user_model=Leaver)
    await store.create_schema()
    account = await store.add_user(ADA, roles=[])
    state = await store._read_user(account.id)
    assert state is not None

    for _ in range(2):
        await store._erase(state, store._objects.leaving(state.user))

    assert deleted == [("after", "ada", False)]


async def test_a_document_that_does_not_fit_can_be_deleted(database: Any) -> None:
    """Where the class has no such hooks, a document that it cannot read is deleted all the same."""
    store = MongoStore(database, user_model=Linked)
    await store.create_schema()
    account = await store.add_user(ADA, roles=[])
    await database["Linked"].update_one({}, {"$set": {"team": "no id"}})

    assert await store.delete_user(account.id)
    assert await database["Linked"].count_documents({}) == 0


async def test_a_class_that_keeps_the_deleted_is_refused(database: Any) -> None:
    """A class whose documents stay when they are deleted is refused when the store is built, with what to do."""
    with pytest.raises(ConfigurationError, match=r"Kept keeps .*\(DocumentWithSoftDelete\).*Inherit from Document"):
        MongoStore(database, user_model=Kept)
