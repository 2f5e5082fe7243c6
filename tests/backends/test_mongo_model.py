"""What the Mongo store reads off an app's own document class, and what it refuses."""

import importlib
import sys
import uuid
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pytest

pytest.importorskip("beanie")

from beanie import Document, Indexed, UnionDoc
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, create_model
from pymongo import AsyncMongoClient, MongoClient

from fastauth.backends.mongo import MongoStore, User
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.models import NewUser
from fastauth.core.user_schema import UserField, UserSchema
from tests.backends.mongo_app import (
    Linked,
    Member,
    Plain,
)
from tests.servers import ON_MOTOR, closed, mongo_database

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
    async with mongo_database("mongo-standalone") as database:
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
    """Public, writable and required fields have the types of the model, and its constraints for what is sent."""
    nickname = Member.model_fields["nickname"].rebuild_annotation()
    store = MongoStore(
        database, user_model=Member, public_fields=("first_name", "points"), writable_fields=("nickname",)
    )

    assert store.schema == UserSchema(
        name="Member",
        id_type=uuid.UUID,
        public=(
            UserField("first_name", Member.model_fields["first_name"].rebuild_annotation(), required=True, shown=str),
            UserField("points", int, shown=int),
        ),
        writable=(UserField("nickname", nickname, shown=nickname),),
        required=("first_name",),
        settable=("first_name", "nickname", "points", "greeting", "joined_at"),
    )


async def test_times_have_a_zone_where_the_client_says_so() -> None:
    """With ``tz_aware=True`` a time comes back as the moment that it was, with a zone, and a span of time as one."""
    model = document(born=(AwareDatetime, ...), pause=(timedelta, ...))
    born, pause = datetime(1815, 12, 10, 6, tzinfo=timezone(timedelta(hours=2))), timedelta(days=1)
    async with mongo_database("mongo-standalone", tz_aware=True) as database:
        store: MongoStore[Any] = MongoStore(database, user_model=model, public_fields=("born", "pause"))

        ada = await store.add_user(NewUser("ada", "ada@example.com", "hash", {"born": born, "pause": pause}), roles=[])

        assert store.public_values(ada.user) == {"id": ada.id, "born": born, "pause": pause}


async def test_the_ready_made_user_needs_nothing_else(database: Any) -> None:
    """Without a model, the store takes our own, with an ObjectId and no more fields than ours."""
    assert MongoStore(database).schema == UserSchema(name="User", id_type=str, settable=())


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
        (document(roles=(str, "")), {"public_fields": ["roles"]}, "roles"),
        (document(password=(str, "")), {"writable_fields": ["password"]}, "password"),
        (BaseModel, {}, "BaseModel"),
        ("Member", {}, "Member"),
    ],
)
async def test_what_does_not_fit_is_named(database: Any, model: Any, options: Any, named: str) -> None:
    """A model that cannot work is refused when the store is built, and the message names what is wrong."""
    with pytest.raises(ConfigurationError, match=rf"\b{named}\b"):
        MongoStore(database, user_model=model, **options)


class Person(Document):
    """A class whose children are in its collection."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False

    class Settings:
        """What Beanie reads."""

        is_root = True


class Teacher(Person):
    """A child with settings of its own."""

    class Settings:
        """What Beanie reads."""

        name = "teachers"


class Assistant(Teacher):
    """A child of a child, which says that it is none."""

    class Settings(Teacher.Settings):
        """What Beanie reads."""

        is_root = False


class Learner(Document):
    """A class with a collection of its own."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False


class Pupil(Learner):
    """A class that takes its fields from that one."""

    grade: int = 1


class People(UnionDoc):
    """A collection of several classes."""


class InUnion(Member):
    """A class that puts itself into it."""

    class Settings(Member.Settings):
        """What Beanie reads."""

        union_doc = People


@pytest.mark.parametrize(
    ("model", "setting"),
    [(Person, "is_root"), (Teacher, "is_root"), (Assistant, "is_root"), (InUnion, "union_doc")],
)
async def test_a_class_that_shares_its_collection_is_refused(database: Any, model: Any, setting: str) -> None:
    """A class whose collection holds documents of other classes, too, is refused when the store is built."""
    with pytest.raises(ConfigurationError, match=rf"{model.__name__} shares its collection .*\({setting}\)"):
        MongoStore(database, user_model=model)


async def test_a_class_that_inherits_fields_has_its_own_collection(database: Any) -> None:
    """A class that takes its fields from another document, and not its collection, is a user class as any other."""
    store = MongoStore(database, user_model=Pupil)
    await store.create_schema()

    pupil = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    assert await store.get_user(pupil.id) == pupil
    assert await database["Pupil"].count_documents({}) == 1


async def test_a_type_that_is_no_json_cannot_be_public(database: Any) -> None:
    """A public field that Pydantic cannot write as JSON is refused when the store is built."""

    class Odd(Document):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        username: str
        email: str
        hashed_password: str
        disabled: bool
        raw: ObjectId

    with pytest.raises(ConfigurationError, match=r"Odd\.raw"):
        MongoStore(database, user_model=Odd, public_fields=["raw"])


@pytest.mark.parametrize("option", ["public_fields", "writable_fields"])
@pytest.mark.parametrize("of", [bytes, bytes | None, list[bytes]])
async def test_bytes_do_not_travel(database: Any, option: str, of: Any) -> None:
    """Only some bytes are text, so a field of bytes is refused when the store is built, with what to do instead."""
    with pytest.raises(ConfigurationError, match=rf"{option}: Member\.picture holds bytes.*base64"):
        MongoStore(database, user_model=document(picture=(of, ...)), **{option: ["picture"]})


async def test_bytes_that_are_made_text_of_travel(database: Any) -> None:
    """A type that says how its bytes are written is as good as any other."""
    store = MongoStore(database, user_model=document(picture=(Base64Bytes, ...)), public_fields=["picture"])

    assert [field.name for field in store.schema.public] == ["picture"]


@pytest.mark.parametrize("handle", [MongoClient(connect=False)["app"], None, "mongodb://localhost/app"])
def test_a_database_that_does_not_wait_asynchronously_is_refused(handle: Any) -> None:
    """A blocking database, or none at all, is refused with a word on what to pass."""
    with pytest.raises(ConfigurationError, match="asynchronous database: pass Async"):
        MongoStore(handle)


async def test_the_other_drivers_database_is_refused() -> None:
    """A database of the driver that the installed Beanie does not work with is refused, with what to install."""
    other: Any = AsyncMongoClient if ON_MOTOR else AsyncIOMotorClient
    wanted, extra = ("AsyncIOMotorClient", "mongo") if ON_MOTOR else ("AsyncMongoClient", "motor")
    client = other(connect=False)

    with pytest.raises(ConfigurationError, match=rf"pass {wanted}\(.*or pip install 'fastauth\[{extra}\]'"):
        MongoStore(client["app"])
    await closed(client)


async def test_collections_of_ours_have_the_prefix(database: Any) -> None:
    """With another prefix, our collections and nothing else are called so; two prefixes are two stores."""
    first, second = MongoStore(database, collection_prefix="auth_"), MongoStore(database)
    await first.create_schema()
    names = await database.list_collection_names()
    await second.create_schema()

    await first.ensure_roles({"editor": ""})

    ours = ["auth_accounts", "auth_audit_records", "auth_roles", "auth_sessions", "auth_used_tokens"]
    assert sorted(names) == [*ours, "fastauth_users"]
    assert await first.missing_schema() == []
    assert [role.name for role in await first.list_roles()] == ["editor"]
    assert await second.list_roles() == []


@pytest.mark.parametrize("prefix", ["", "system.", "$auth", "Auth_"])
async def test_a_prefix_that_no_name_begins_with_is_refused(database: Any, prefix: str) -> None:
    """A prefix that is no beginning of a collection's name is refused when the store is built."""
    with pytest.raises(ConfigurationError, match="collection_prefix="):
        MongoStore(database, collection_prefix=prefix)


def test_without_beanie_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Beanie is missing, the import fails with the command that installs it."""
    for name in [name for name in sys.modules if name.startswith("fastauth.backends.mongo")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "beanie", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'fastauth\[mongo\]'"):
        importlib.import_module("fastauth.backends.mongo")


async def test_the_database_is_the_one_that_was_given() -> None:
    """``store.database`` is the app's own handle, for what is not a verb."""
    async with mongo_database("mongo-standalone") as database:
        assert MongoStore(database).database is database
