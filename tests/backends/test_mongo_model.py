"""An app's own document under the Mongo store: what is read off it, and what the app may do to it meanwhile."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator
from typing import Annotated, Any, ClassVar
from zlib import crc32

import pytest

pytest.importorskip("beanie")

from beanie import Document, Indexed, init_beanie
from beanie.exceptions import RevisionIdWasChanged
from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field, create_model
from pymongo import MongoClient

from fastauth.backends.mongo import MongoStore, User
from fastauth.core.exceptions import ConfigurationError, UserExistsException, ValidationException
from fastauth.core.models import Login, NewUser, UserField, UserSchema
from fastauth.testing.conformance import TokenStoreConformance, UserStoreConformance
from tests.backends.mongo_app import (
    HOUR,
    KINDS,
    NOW,
    ON_MOTOR,
    Linked,
    Member,
    Plain,
    app_database,
    inserted,
    new_member,
    new_session,
)

OURS: dict[str, Any] = {
    "username": (str, ...),
    "email": (str, ...),
    "hashed_password": (str, ...),
    "disabled": (bool, False),
}


def document(**fields: Any) -> type[Document]:
    """Return a document class with our fields, changed or added to; None takes one away."""
    wanted = {name: field for name, field in {**OURS, **fields}.items() if field is not None}
    return create_model("Member", __base__=Document, __module__=__name__, **wanted)


@pytest.fixture
async def database() -> AsyncGenerator[Any, None]:
    """A database on one server."""
    async with app_database("mongo-standalone") as database:
        yield database


@pytest.fixture
async def members(database: Any) -> MongoStore[Member]:
    """A store of members."""
    store = MongoStore(database, user_model=Member)
    await store.create_schema()
    return store


@pytest.mark.parametrize(
    ("model", "id_type"),
    [
        (User, str),
        (Linked, str),
        (Member, uuid.UUID),
        (Plain, str),
        (document(id=(int, Field(default_factory=lambda: 7))), int),
    ],
)
async def test_the_type_of_the_key_is_read_off_the_model(database: Any, model: Any, id_type: type) -> None:
    """The schema says what the key is in JSON: an int is a number, ObjectIds and UUIDs are strings."""
    schema = MongoStore(database, user_model=model).schema

    assert (schema.name, schema.id_type) == (model.__name__, id_type)


async def test_the_schema_is_read_off_the_model(database: Any) -> None:
    """Public, writable and required fields have the types and constraints of the model."""
    store = MongoStore(
        database, user_model=Member, public_fields=("first_name", "points"), writable_fields=("nickname",)
    )

    assert store.schema == UserSchema(
        name="Member",
        id_type=uuid.UUID,
        public=(
            UserField("first_name", Member.model_fields["first_name"].rebuild_annotation(), required=True),
            UserField("points", int),
        ),
        writable=(UserField("nickname", Member.model_fields["nickname"].rebuild_annotation()),),
        required=("first_name",),
    )


async def test_the_ready_made_user_needs_nothing_else(database: Any) -> None:
    """Without a model, the store takes our own, with an ObjectId and no more fields than ours."""
    assert MongoStore(database).schema == UserSchema(name="User", id_type=str)


async def test_shorter_names_are_checked_as_short(database: Any) -> None:
    """The lengths that the model allows are the lengths that are checked."""
    model = document(username=(Annotated[str, Field(max_length=20)], ...), email=(str, Field(max_length=100)))

    schema = MongoStore(database, user_model=model).schema

    assert (schema.username_max_length, schema.email_max_length) == (20, 100)


@pytest.mark.parametrize(
    ("model", "options", "named"),
    [
        (document(username=None), {}, "username"),
        (document(email=None), {}, "email"),
        (document(hashed_password=None), {}, "hashed_password"),
        (document(disabled=None), {}, "disabled"),
        (document(username=(int, ...)), {}, "username"),
        (document(disabled=(str, "")), {}, "disabled"),
        (document(hashed_password=(str, Field(max_length=72))), {}, "hashed_password"),
        (document(username=(Annotated[str, Indexed()], ...)), {}, "username"),
        (document(id=(str, ...)), {}, "id"),
        (document(id=(uuid.UUID | None, None)), {}, "id"),
        (document(id=(float, 1.0)), {}, "id"),
        (document(), {"public_fields": ["first_name"]}, "first_name"),
        (document(), {"public_fields": ["hashed_password"]}, "hashed_password"),
        (document(), {"writable_fields": ["disabled"]}, "disabled"),
        (document(), {"writable_fields": ["id"]}, "id"),
        (document(), {"writable_fields": ["revision_id"]}, "revision_id"),
        (BaseModel, {}, "BaseModel"),
        ("Member", {}, "Member"),
    ],
)
async def test_what_does_not_fit_is_named(database: Any, model: Any, options: Any, named: str) -> None:
    """A model that cannot work is refused when the store is built, and the message names what is wrong."""
    with pytest.raises(ConfigurationError, match=rf"\b{named}\b"):
        MongoStore(database, user_model=model, **options)


async def test_a_type_that_is_no_json_cannot_be_public(database: Any) -> None:
    """A public field that Pydantic cannot write as JSON is refused when the store is built."""

    class Odd(Member):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        raw: ObjectId | None = None

    with pytest.raises(ConfigurationError, match=r"Odd\.raw"):
        MongoStore(database, user_model=Odd, public_fields=["raw"])


@pytest.mark.parametrize("handle", [MongoClient(connect=False)["app"], None, "mongodb://localhost/app"])
def test_a_database_that_does_not_wait_asynchronously_is_refused(handle: Any) -> None:
    """A blocking database, or none at all, is refused with a word on what to pass."""
    with pytest.raises(ConfigurationError, match="asynchronous database: pass Async"):
        MongoStore(handle)


async def test_the_other_drivers_database_is_refused() -> None:
    """A database of the driver that the installed Beanie does not work with is refused, with what to install."""
    if ON_MOTOR:
        client: Any = pytest.importorskip("pymongo").AsyncMongoClient(connect=False)
    else:
        client = pytest.importorskip("motor.motor_asyncio").AsyncIOMotorClient(connect=False)

    with pytest.raises(ConfigurationError, match=r"pip install 'fastauth\[(mongo|motor)\]'"):
        MongoStore(client["app"])


def test_without_beanie_the_import_says_what_to_install() -> None:
    """Where Beanie is missing, the import fails with the command that installs it."""
    script = "import sys; sys.modules['beanie'] = None; import fastauth.backends.mongo"

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "ModuleNotFoundError: fastauth.backends.mongo needs Beanie" in run.stderr
    assert "pip install 'fastauth[mongo]'" in run.stderr


@pytest.mark.parametrize("kind", KINDS)
async def test_the_apps_own_object_comes_back(kind: str) -> None:
    """An account holds an instance of the app's class, with its key, its fields and what its hooks made."""
    async with app_database(kind) as database:
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


async def test_one_class_on_two_databases() -> None:
    """Two stores of one class on two databases do not see one another's users."""
    async with app_database("mongo-standalone") as one, app_database("mongo-replica-set") as other:
        stores = [MongoStore(each, user_model=Member) for each in (one, other)]
        await asyncio.gather(*(store.create_schema() for store in stores))

        accounts = await asyncio.gather(*(store.add_user(new_member(), roles=[]) for store in stores))

        assert [await store.get_user(accounts[0].id) is not None for store in stores] == [True, False]
        assert [await each["members"].count_documents({}) for each in (one, other)] == [1, 1]


async def test_an_app_that_initialises_beanie_itself_keeps_its_word(database: Any) -> None:
    """A class that the app has bound to a database stays bound there, whichever database the store has."""
    async with app_database("mongo-standalone") as apps:
        await init_beanie(database=apps, document_models=[Linked])
        store = MongoStore(database, user_model=Linked)
        await store.create_schema()

        created = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

        assert await Linked.find_all().to_list() == []
        assert await store.get_user(created.id) == created
        await init_beanie(database=database, document_models=[Linked])
        assert await Linked.get(created.user.id) == created.user


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
