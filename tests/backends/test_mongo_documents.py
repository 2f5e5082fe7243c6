"""An app's own documents under the Mongo store: what the app does to them, and what comes back."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from zlib import crc32

import pytest

pytest.importorskip("beanie")

from beanie import Document, init_beanie
from beanie.exceptions import RevisionIdWasChanged
from bson import ObjectId

from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import UserExistsException, ValidationException
from fastauth.core.models import SUPERADMIN, Login, NewUser
from fastauth.testing.conformance import TokenStoreConformance, UserStoreConformance
from tests.backends.mongo_app import (
    HOUR,
    KINDS,
    NOW,
    Linked,
    Member,
    Named,
    Numbered,
    Plain,
    inserted,
    new_member,
    new_session,
)
from tests.servers import mongo_database


@pytest.fixture
async def database() -> AsyncGenerator[Any, None]:
    """A database on one server."""
    async with mongo_database("mongo-standalone") as database:
        yield database


@pytest.fixture
async def members(database: Any) -> MongoStore[Member]:
    """A store of members."""
    store = MongoStore(database, user_model=Member)
    await store.create_schema()
    return store


@pytest.mark.parametrize("kind", KINDS)
async def test_the_apps_own_object_comes_back(kind: str) -> None:
    """An account holds an instance of the app's class, with its key, its fields and what its hooks made."""
    async with mongo_database(kind) as database:
        store = MongoStore(database, user_model=Member, public_fields=["first_name"])
        await store.create_schema()
        created = await store.add_user(new_member("ada", nickname="lady"), roles=[])

        found = await store.find_user(Login("email", "ada@example.com"))
        raw = await database["members"].find_one({})

        assert found == created
        assert type(created.user) is Member
        assert str(created.user.id) == created.id
        assert created.user.greeting == "Hello Ada"
        assert inserted[-1] == "ada"
        assert store.public_values(created.user) == {"id": created.user.id, "first_name": "Ada"}
        assert (raw["mail"], raw["secret"]) == ("ada@example.com", "hash of ada")


async def test_the_app_finds_its_user_by_its_own_queries(members: MongoStore[Member]) -> None:
    """The app's own query gives the same object; nobody had to initialise Beanie for it."""
    created = await members.add_user(new_member(), roles=[])

    assert await Member.find_one(Member.username == "ada") == created.user


async def test_an_object_id_is_a_string_in_json(database: Any) -> None:
    """The key of user JSON is a plain string where the model's is an ObjectId."""
    store = MongoStore(database, user_model=Linked)

    created = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    assert store.public_values(created.user) == {"id": created.id}
    assert type(store.public_values(created.user)["id"]) is str


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"first_name": "x" * 21}, "first_name"),
        ({"first_name": 1}, "first_name"),
        ({"points": "many"}, "points"),
        ({"points": 2**64}, None),
        ({"first_name": "\ud800"}, "first_name"),
        ({"nickname": "x" * 17_000_000}, None),
        ({"nickname": {"$ne": None}}, "nickname"),
        ({"mail": "other@example.com"}, "mail"),
        ({"revision_id": uuid.uuid4()}, "revision_id"),
    ],
)
async def test_a_value_that_does_not_fit_stores_nothing(
    members: MongoStore[Member], fields: dict[str, Any], field: str | None
) -> None:
    """A value that the model or MongoDB cannot hold is refused, by its field where one is to blame, and not echoed."""
    with pytest.raises(ValidationException) as refused:
        await members.add_user(new_member(**fields), roles=[])

    assert [detail["loc"] for detail in refused.value.details] == ([["body", field]] if field else [])
    assert "hash of ada" not in f"{refused.value}{refused.value.details}{refused.value.__cause__}"
    assert await members.find_user(Login("username", "ada")) is None


async def test_what_a_new_user_must_be_given_is_named(members: MongoStore[Member]) -> None:
    """A field of the class that has neither a default nor a value is named, in the message, too."""
    with pytest.raises(ValidationException) as refused:
        await members.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    sentence = "The user model needs a value for 'first_name'."
    assert refused.value.message == sentence
    assert refused.value.details == ({"loc": ["body", "first_name"], "msg": sentence, "type": "missing"},)


async def test_the_apps_own_unique_index_is_told_by_its_field(members: MongoStore[Member]) -> None:
    """A value that is taken by a unique index of the app's own is refused by the name of the field."""
    await members.add_user(new_member("ada", nickname="lady"), roles=[])

    with pytest.raises(UserExistsException) as refused:
        await members.add_user(new_member("grace", nickname="lady"), roles=[])

    assert refused.value.field == "nickname"
    assert await members.find_user(Login("username", "grace")) is None


async def test_an_index_on_several_fields_is_no_ones_name(members: MongoStore[Member]) -> None:
    """What a unique index of several fields refuses is a value that does not fit."""
    await members.add_user(new_member("ada", points=1), roles=[])

    with pytest.raises(ValidationException):
        await members.add_user(new_member("grace", first_name="Ada", points=1), roles=[])

    assert await members.find_user(Login("username", "grace")) is None


async def test_disabled_by_the_app_counts_at_once(members: MongoStore[Member]) -> None:
    """Where the app itself disables its user, the next look says so, no session begins, and none is revoked."""
    account = await members.add_user(new_member(), roles=[])
    await members.add_session(new_session(account.id), hashed_password=account.hashed_password)
    rotation = {"user_id": account.id, "generation": 0, "now": NOW, "expires_at": NOW + HOUR}

    await account.user.set({Member.disabled: True})

    seen = await members.authenticate("session-1")
    assert seen is not None
    assert seen.disabled
    assert not await members.rotate_session("session-1", **rotation)
    assert not await members.add_session(new_session(account.id, "2"), hashed_password=account.hashed_password)

    await account.user.set({Member.disabled: False})

    assert await members.rotate_session("session-1", **rotation)


async def test_a_copy_saved_late_brings_no_session_back(members: MongoStore[Member]) -> None:
    """What the app saves of a copy that it read before may undo a password, but not the end of the sessions."""
    account = await members.add_user(new_member(), roles=[])
    await members.add_session(new_session(account.id), hashed_password=account.hashed_password)
    copy = await Member.get(account.user.id)
    assert copy is not None

    await members.set_password(account.id, "new hash", now=NOW)
    await copy.save()

    assert not await members.list_sessions(account.id, now=NOW)


async def test_replacing_the_document_takes_no_role(members: MongoStore[Member]) -> None:
    """An app that replaces its whole document takes no role, and ends no session."""
    await members.ensure_roles({"editor": ""})
    account = await members.add_user(new_member(), roles=["editor"])
    await members.add_session(new_session(account.id), hashed_password=account.hashed_password)

    account.user.points = 7
    await account.user.replace()

    seen = await members.authenticate("session-1")
    assert seen is not None
    assert (seen.roles, seen.user.points) == ({"editor"}, 7)
    assert [session.id for session in await members.list_sessions(account.id, now=NOW)] == ["session-1"]


async def test_a_hash_written_by_the_app_ends_the_sessions(members: MongoStore[Member]) -> None:
    """An app that writes a new password hash itself ends the sessions, and sign-in works with the new hash."""
    account = await members.add_user(new_member(), roles=[])
    await members.add_session(new_session(account.id), hashed_password=account.hashed_password)

    await account.user.set({Member.hashed_password: "the app's"})

    assert not await members.list_sessions(account.id, now=NOW)
    assert await members.add_session(new_session(account.id, "2"), hashed_password="the app's")
    assert [session.id for session in await members.list_sessions(account.id, now=NOW)] == ["2"]


async def test_a_user_whom_the_app_stored_is_a_user(members: MongoStore[Member]) -> None:
    """A document that the app inserted itself can sign in, hold roles, be disabled and be deleted."""
    await members.ensure_roles({"editor": ""})
    member = Member(username="ada", mail="ada@example.com", secret="hash", first_name="Ada")  # type: ignore[call-arg]
    await member.insert()
    user_id = str(member.id)

    assert await members.add_session(new_session(user_id), hashed_password="hash")
    await members.grant_role(user_id, "editor")
    assert await members.replace_password(user_id, old_hash="hash", new_hash="better hash")
    assert len(await members.list_sessions(user_id, now=NOW)) == 1
    account = await members.get_user(user_id)
    assert account is not None
    assert account.roles == {"editor"}
    assert await members.set_disabled(user_id, True, now=NOW)
    assert await members.delete_user(user_id)
    assert await Member.find_all().to_list() == []


async def test_a_stale_copy_of_a_revised_document_is_refused(database: Any) -> None:
    """Where the app's class asks for revisions, a copy from before a change of ours is refused when it is saved."""
    store = MongoStore(database, user_model=Plain)
    await store.create_schema()
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])
    assert account.disabled is False

    await store.set_password(account.id, "new hash", now=NOW)

    with pytest.raises(RevisionIdWasChanged):
        await account.user.save()
    changed = await store.get_user(account.id)
    assert changed is not None
    assert changed.hashed_password == "new hash"
    await changed.user.save()


async def test_a_broken_document_is_told_without_its_values(members: MongoStore[Member], database: Any) -> None:
    """A stored document that does not fit the class is an error that names the field, and shows no value."""
    account = await members.add_user(new_member(), roles=[])
    await database["members"].update_one({}, {"$set": {"points": "secret points"}})

    with pytest.raises(RuntimeError, match="no Member: points") as broken:
        await members.get_user(account.id)

    assert "secret points" not in f"{broken.value}{broken.value.__cause__}"


async def test_a_broken_document_is_told_to_who_asks_for_it(database: Any) -> None:
    """A session's account is there without its object; whoever asks for one that does not fit gets the error."""
    store = MongoStore(database, user_model=Plain)
    await store.create_schema()
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])
    await store.add_session(new_session(account.id), hashed_password=account.hashed_password)
    whole = await store.authenticate("session-1")
    await database[Plain.get_collection_name()].update_one({}, {"$set": {"revision_id": "a secret"}})

    seen = await store.authenticate("session-1")

    assert whole == account
    assert seen is not None
    assert (seen.id, seen.username, seen.email) == (account.id, "ada", "ada@example.com")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no Plain: revision_id") as broken:
            seen.user  # noqa: B018
        assert "a secret" not in f"{broken.value}{broken.value.__cause__}"


async def test_what_is_no_user_is_told_at_once(members: MongoStore[Member], database: Any) -> None:
    """Where a document lacks what we need of it ourselves, there is no account."""
    account = await members.add_user(new_member(), roles=[])
    await members.add_session(new_session(account.id), hashed_password=account.hashed_password)
    await database["members"].update_one({}, {"$unset": {Member.model_fields["email"].alias or "email": ""}})

    with pytest.raises(RuntimeError, match="no Member"):
        await members.authenticate("session-1")


async def test_one_class_on_two_databases() -> None:
    """Two stores of one class on two databases do not see one another's users."""
    async with mongo_database("mongo-standalone") as one, mongo_database("mongo-replica-set") as other:
        stores = [MongoStore(each, user_model=Member) for each in (one, other)]
        await asyncio.gather(*(store.create_schema() for store in stores))

        accounts = await asyncio.gather(*(store.add_user(new_member(), roles=[]) for store in stores))

        assert [await store.get_user(accounts[0].id) is not None for store in stores] == [True, False]
        assert [await each["members"].count_documents({}) for each in (one, other)] == [1, 1]


async def test_an_app_that_initialises_beanie_itself_keeps_its_word(database: Any) -> None:
    """A class that the app has bound to a database stays bound there, whichever database the store has."""
    async with mongo_database("mongo-standalone") as apps:
        await init_beanie(database=apps, document_models=[Linked])
        store = MongoStore(database, user_model=Linked)
        await store.create_schema()

        created = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

        assert await Linked.find_all().to_list() == []
        assert await store.get_user(created.id) == created
        await init_beanie(database=database, document_models=[Linked])
        assert await Linked.get(created.user.id) == created.user


async def test_a_key_that_comes_back_inherits_nothing(database: Any) -> None:
    """Whoever gets the key of a user whom the app itself deleted has neither the roles nor the sessions of that one."""
    store = MongoStore(database, user_model=Named)
    await store.create_schema()
    await store.ensure_roles({SUPERADMIN: ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[SUPERADMIN])
    await store.add_session(new_session(account.id), hashed_password="hash")
    with pytest.raises(UserExistsException) as taken:
        await store.add_user(NewUser("ada", "new@example.com", "hash"), roles=[])
    assert taken.value.field == "id"

    await account.user.delete()

    with pytest.raises(UserExistsException):  # for a minute: somebody might be half stored
        await store.add_user(NewUser("ada", "new@example.com", "hash"), roles=[])
    old = ObjectId.from_datetime(datetime.now(timezone.utc) - timedelta(minutes=2))
    await database["fastauth_accounts"].update_one({"_id": "ada"}, {"$set": {"revision": old}})
    again = await store.add_user(NewUser("ada", "new@example.com", "another hash"), roles=[])

    assert (again.id, again.roles) == ("ada", frozenset())
    assert await store.list_sessions("ada", now=NOW) == []
    assert await store.delete_user("ada")
    assert (await store.add_user(NewUser("ada", "new@example.com", "hash"), roles=[])).id == "ada"


async def test_a_half_deleted_user_gives_the_names_back(database: Any) -> None:
    """Where a deletion was decided and then broke off, the user is gone, and the key and the names can be had again."""
    store = MongoStore(database, user_model=Named)
    await store.create_schema()
    await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])
    await database["fastauth_accounts"].update_one({"_id": "ada"}, {"$set": {"deleted": True}})

    assert await store.find_user(Login("username", "ada")) is None
    assert await store.delete_user("ada") is False
    assert (await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])).username == "ada"


async def test_a_half_disabled_user_is_disabled(database: Any) -> None:
    """Where a disabling was decided and then broke off, the user is disabled for everybody, and can be enabled."""
    store = MongoStore(database, user_model=Linked)
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])
    await database["fastauth_accounts"].update_one({}, {"$set": {"disabling": True}})

    seen = await store.get_user(account.id)

    assert seen is not None
    assert (seen.disabled, seen.user.disabled) == (True, True)
    assert [each.id for each in await store.list_users(disabled=True, limit=10)] == [account.id]
    assert await store.set_disabled(account.id, False, now=NOW)
    assert await store.get_user(account.id) == account


async def test_a_key_that_is_a_number_is_one(database: Any) -> None:
    """A user with a number as key is found by it, and by nothing that only looks like it."""
    store = MongoStore(database, user_model=Numbered)

    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    assert account.id == "7"
    assert await store.get_user("7") == account
    assert [await store.get_user(each) for each in ("07", "+7", "7.0", "9" * 19, str(2**63))] == [None] * 5
    assert store.public_values(account.user) == {"id": 7}


class MemberConformance:
    """A store of an app's own documents."""

    model: ClassVar[type[Document]]

    @pytest.fixture
    async def store(self, database: Any) -> MongoStore[Any]:
        """An empty store."""
        store = MongoStore(database, user_model=self.model)
        await store.create_schema()
        return store


class TestMembersWithUUIDs(MemberConformance, UserStoreConformance, TokenStoreConformance):
    model = Member
    user_fields: ClassVar[dict[str, Any]] = {"first_name": "Ada"}

    def new_user(self, name: str = "ada", *, email: str | None = None) -> NewUser:
        """Return a user to be stored; the app's own unique pair is another for each."""
        new = super().new_user(name, email=email)
        return NewUser(new.username, new.email, new.hashed_password, {**new.fields, "points": crc32(name.encode())})


class TestMembersWithStrings(MemberConformance, UserStoreConformance):
    model = Plain
