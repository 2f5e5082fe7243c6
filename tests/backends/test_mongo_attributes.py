"""What the app's own class and indexes make of a change: attributes that are taken away, and values that are taken."""

import traceback
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import beanie
import pytest

pytest.importorskip("beanie")

from beanie import Document
from beanie.exceptions import RevisionIdWasChanged
from pymongo import IndexModel

from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import UserExistsException, ValidationException
from fastauth.core.models import VERIFIED, NewUser
from fastauth.core.protocols import Commit
from tests.backends.mongo_app import KINDS, NOW, new_session
from tests.backends.mongo_steps import make_stoppable, stopped
from tests.servers import mongo_database


class Author(Document):
    """An app's own user: with a pen name that nobody else has, and a home on the map."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False
    pen_name: Annotated[str | None, beanie.Indexed(unique=True, sparse=True)] = None
    motto: str | None = "Onwards"
    home: dict[str, Any] | None = None

    class Settings:
        """What Beanie reads."""

        name = "authors"
        keep_nulls = False
        use_revision = True
        indexes = (IndexModel([("home", "2dsphere")]),)


def author(name: str, **fields: Any) -> NewUser:
    """Return an author to be stored."""
    return NewUser(name, f"{name}@example.com", f"hash of {name}", fields)


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Any, None]:
    """A database whose commands can be stopped."""
    make_stoppable(monkeypatch)
    async with mongo_database(request.param) as database:
        yield database


@pytest.fixture
async def store(database: Any) -> MongoStore[Author]:
    """A store of authors."""
    store = MongoStore(database, user_model=Author)
    await store.create_schema()
    await store.ensure_roles({VERIFIED: "", "editor": ""})
    return store


async def refuse(database: Any, field: str, pattern: str) -> None:
    """Have the server refuse what does not match, by a schema of the app's own."""
    schema = {"properties": {field: {"pattern": pattern}}}
    await database.command("collMod", "authors", validator={"$jsonSchema": schema})


async def consent(_: Commit[Any]) -> None:
    """Have the verbs run in transactions, where there are any."""


async def test_an_attribute_that_is_taken_away_is_stored_no_more(store: MongoStore[Author], database: Any) -> None:
    """Where the class keeps no nulls, a value that becomes None is gone; a copy from before is refused by then."""
    account = await store.add_user(author("ada", pen_name="Currer"), roles=[])

    changed = await store.update_user(account.id, {"pen_name": None})

    assert changed is not None
    assert changed.user.pen_name is None
    assert changed == await store.get_user(account.id)
    assert "pen_name" not in await database["authors"].find_one({})
    with pytest.raises(RevisionIdWasChanged):
        await account.user.save()


async def test_an_attribute_that_was_never_stored_can_be_taken_away(store: MongoStore[Author], database: Any) -> None:
    """A document from before the class had the attribute is changed as any other, and reads as it did."""
    account = await store.add_user(author("ada"), roles=[])
    await database["authors"].update_one({}, {"$unset": {"motto": ""}})

    changed = await store.update_user(account.id, {"motto": None})

    assert changed is not None
    assert changed.user.motto == "Onwards"
    assert changed == await store.get_user(account.id)


@pytest.mark.parametrize("in_step", [False, True])
async def test_a_value_that_somebody_has_changes_nothing(store: MongoStore[Author], in_step: bool) -> None:
    """A change to a value that a unique index gives to somebody else is refused by the name of the field."""
    await store.add_user(author("grace", pen_name="Currer"), roles=[])
    account = await store.add_user(author("ada", pen_name="Ellis"), roles=[])
    changing = store.before_commit(consent) if in_step else store

    with pytest.raises(UserExistsException) as refused:
        await changing.update_user(account.id, {"pen_name": "Currer"})

    assert refused.value.field == "pen_name"
    assert await store.get_user(account.id) == account


async def test_two_without_a_value_may_be_one_too_many(store: MongoStore[Author], database: Any) -> None:
    """A unique index that counts what is not there, too, is told by its field like any other."""
    await database["authors"].create_index("motto", unique=True)
    await store.add_user(author("grace", motto=None), roles=[])
    account = await store.add_user(author("ada"), roles=[])

    with pytest.raises(UserExistsException) as added:
        await store.add_user(author("joan", motto=None), roles=[])
    with pytest.raises(UserExistsException) as changed:
        await store.update_user(account.id, {"motto": None})

    assert (added.value.field, changed.value.field) == ("motto", "motto")
    assert await store.list_users(search="ada", limit=9) == [account]


async def test_what_an_index_cannot_hold_is_refused_without_the_document(store: MongoStore[Author]) -> None:
    """A value that an index of the app's own cannot take is told as one, and no text shows the rest of the document."""
    account = await store.add_user(author("ada"), roles=[])
    nowhere = {"type": "Nowhere"}

    with pytest.raises(ValidationException) as added:
        await store.add_user(author("grace", home=nowhere), roles=[])
    with pytest.raises(ValidationException) as changed:
        await store.update_user(account.id, {"home": nowhere})

    for refused in (added.value, changed.value):
        assert "hash of" not in "".join(traceback.format_exception(refused))
    assert await store.list_users(limit=9) == [account]


@pytest.mark.parametrize("in_step", [False, True])
async def test_a_hash_that_a_schema_refuses_is_in_no_text(
    store: MongoStore[Author], database: Any, in_step: bool
) -> None:
    """A hash that a schema refuses is a value that does not fit, shown nowhere; the old one and its session stay."""
    account = await store.add_user(author("ada"), roles=[])
    await store.add_session(new_session(account.id), hashed_password=account.hashed_password)
    await refuse(database, "hashed_password", "^hash of")
    changing = store.before_commit(consent) if in_step else store
    before, better = await database["fastauth_accounts"].find_one({}), "a better hash"

    with pytest.raises(ValidationException) as refused:
        await changing.set_password(account.id, better, now=NOW)
    replaced = await changing.replace_password(account.id, old_hash="hash of ada", new_hash=better)

    assert better not in "".join(traceback.format_exception(refused.value))
    assert replaced is False
    assert await store.get_user(account.id) == account
    assert [session.id for session in await store.list_sessions(account.id, now=NOW)] == ["session-1"]
    after = await database["fastauth_accounts"].find_one({})
    assert (after.get("roots") or {}) == before.get("roots", {})


async def test_an_address_that_a_schema_refuses_changes_nothing(store: MongoStore[Author], database: Any) -> None:
    """An address that a schema refuses is a value that does not fit, and the one that is there stays verified."""
    account = await store.add_user(author("ada"), roles=[VERIFIED])
    await refuse(database, "email", "@example.com$")

    with pytest.raises(ValidationException):
        await store.set_email(account.id, "ada@elsewhere.example", verified=True)

    assert await store.get_user(account.id) == account
    assert "moving" not in await database["fastauth_accounts"].find_one({})


async def test_a_change_goes_with_the_roles_of_the_new_address(store: MongoStore[Author], database: Any) -> None:
    """Where the app writes another address while an attribute changes, the account has that one, unverified."""
    account = await store.add_user(author("ada"), roles=[VERIFIED, "editor"])

    task, stop = await stopped(store.update_user(account.id, {"motto": "Upwards"}), 2)
    await database["authors"].update_one({}, {"$set": {"email": "new@example.com"}})
    stop.go.set()
    changed = await task

    assert changed is not None
    assert (changed.email, changed.roles, changed.user.motto) == ("new@example.com", {"editor"}, "Upwards")
    assert changed == await store.get_user(account.id)


async def test_a_half_disabled_user_stays_so_in_a_change(store: MongoStore[Author], database: Any) -> None:
    """Where a disabling was decided and then broke off, a change of an attribute gives a disabled account."""
    account = await store.add_user(author("ada"), roles=[])
    await database["fastauth_accounts"].update_one({}, {"$set": {"disabling": True}})

    changed = await store.update_user(account.id, {"motto": "Upwards"})

    assert changed is not None
    assert (changed.disabled, changed.user.disabled, changed.user.motto) == (True, True, "Upwards")
    assert changed == await store.get_user(account.id)


@pytest.mark.parametrize("old_email", [None, "ada@example.com"])
async def test_an_address_that_the_app_writes_meanwhile_comes_first(
    store: MongoStore[Author], database: Any, old_email: str | None
) -> None:
    """An address is set after the one that the app wrote meanwhile; where it was to follow another one, it is not."""
    account = await store.add_user(author("ada"), roles=[])
    setting = store.set_email(account.id, "new@example.com", verified=True, old_email=old_email)

    task, stop = await stopped(setting, 3)  # before it writes into the app's document
    await database["authors"].update_one({}, {"$set": {"email": "of-the-app@example.com"}})
    stop.go.set()
    is_set = await task

    found = await store.get_user(account.id)
    assert found is not None
    assert is_set is (old_email is None)
    assert (found.email, found.verified) == (("new@example.com", True) if is_set else ("of-the-app@example.com", False))


async def test_the_role_verified_lists_whose_address_it_counts_for(store: MongoStore[Author]) -> None:
    """Listed as verified is who is it: not who never was, nor who is so no more, or not with this address."""
    accounts = [
        await store.add_user(author(name), roles=[VERIFIED] if name in {"grace", "kay"} else [])
        for name in ("ada", "grace", "joan", "mary", "kay")
    ]
    ids = {account.username: account.id for account in accounts}
    await store.grant_role(ids["ada"], VERIFIED)
    await store.revoke_role(ids["grace"], VERIFIED)
    await store.set_email(ids["mary"], "mary@elsewhere.example", verified=True)
    await accounts[-1].user.set({Author.email: "of-the-app@example.com"})

    listed = await store.list_users(role=VERIFIED, limit=9)

    assert {account.username for account in listed} == {"ada", "mary"}
    assert all(account.verified for account in listed)
    assert not any(account.verified for account in await store.list_users(limit=9) if account not in listed)
    assert await store.list_users(role=VERIFIED, search="grace", limit=9) == []
