"""What the Mongo store sends, how it answers an outage, and what it makes of an empty database."""

import asyncio
import gc
import socketserver
import threading
from collections.abc import Awaitable, Callable
from datetime import timezone
from typing import Any

import pytest

pytest.importorskip("beanie")

from beanie import Document
from pymongo.errors import BulkWriteError, OperationFailure

from fastauth.backends.mongo import MongoStore
from fastauth.backends.mongo.errors import LostRaceError, refusals_told, retried
from fastauth.core.exceptions import (
    ConfigurationError,
    StoreUnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import SUPERADMIN, Login, NewUser
from fastauth.core.protocols import Commit
from tests.backends.mongo_app import HOUR, KINDS, NOW, new_session
from tests.servers import closed, mongo_client, mongo_database, mongo_session, mongo_transaction, mongo_url
from tests.wire import Wire

ADA = NewUser("ada", "ada@example.com", "hash")
WRITES = {"insert", "update", "delete", "findAndModify"}


Call = Callable[[MongoStore, str], Awaitable[Any]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "commands"),
    [
        (lambda store, user_id: store.authenticate("session-1"), ["aggregate"]),
        (lambda store, user_id: store.get_user(user_id), ["aggregate"]),
        (lambda store, user_id: store.find_user(Login("email", "ada@example.com")), ["aggregate"]),
        (lambda store, user_id: store.list_users(search="a", limit=10), ["aggregate"]),
        (
            lambda store, user_id: store.add_session(new_session(user_id, "session-2"), hashed_password="hash"),
            ["aggregate"],
        ),
        (
            lambda store, user_id: store.rotate_session(
                "session-1", user_id=user_id, generation=0, now=NOW, expires_at=NOW + HOUR
            ),
            ["aggregate", "update"],
        ),
        (lambda store, user_id: store.revoke_session("session-1", now=NOW), ["aggregate", "update"]),
        (lambda store, user_id: store.grant_role(user_id, "user"), ["aggregate", "update"]),
        (lambda store, user_id: store.set_disabled(user_id, False, now=NOW), ["aggregate", "update"]),
    ],
)
async def test_no_more_is_sent_than_is_needed(kind: str, call: Call, commands: list[str]) -> None:
    """What happens at each request is one command, as is storing a session; other changes are a look and a write."""
    wire = Wire()
    async with mongo_database(kind, event_listeners=[wire]) as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.ensure_roles({"user": ""})
        account = await store.add_user(ADA, roles=[])
        await store.add_session(new_session(account.id), hashed_password="hash")
        wire.sent.clear()

        await call(store, account.id)

        assert [name for name, _ in wire.sent] == commands


async def test_every_write_is_acknowledged_by_a_majority_and_the_journal() -> None:
    """Every write, on the app's collection too, waits for the journal and a majority, whatever the client's default."""
    wire = Wire()
    async with mongo_database("mongo-standalone", event_listeners=[wire], w=1, journal=False) as database:
        store = MongoStore(database)
        await store.create_schema()
        wire.sent.clear()

        await store.ensure_roles({SUPERADMIN: "", "user": ""})
        account = await store.add_user(ADA, roles=["user"])
        await store.add_user(NewUser("root", "root@example.com", "hash"), roles=[SUPERADMIN])
        await store.add_session(new_session(account.id), hashed_password="hash")
        await store.set_password(account.id, "new hash", now=NOW, keep_session="session-1")
        await store.replace_password(account.id, old_hash="new hash", new_hash="newer hash")
        await store.grant_role(account.id, SUPERADMIN)
        await store.revoke_role(account.id, SUPERADMIN)
        role = await store.add_role("editor", "")
        await store.update_role(role.id, name="author", description=None)
        await store.delete_role(role.id)
        await store.revoke_sessions(account.id, now=NOW)
        await store.set_disabled(account.id, True, now=NOW)
        await store.delete_user(account.id)
        await store.purge_expired(NOW)

        merges = [command for _, command in wire.sent if any("$merge" in each for each in command.get("pipeline", ()))]
        writes = [*merges, *(command for name, command in wire.sent if name in WRITES)]
        assert len(merges) == 1
        assert {name for name, _ in wire.sent} >= WRITES
        assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in writes)


async def test_a_session_for_no_such_user_is_not_stored() -> None:
    """A session of a user who is not there, or not any more, is not stored, and the command says so."""
    async with mongo_database("mongo-standalone") as database:
        store = MongoStore(database)
        account = await store.add_user(ADA, roles=[])
        await store.delete_user(account.id)

        stored = [
            await store.add_session(new_session(user_id), hashed_password="hash")
            for user_id in (account.id, "0123456789abcdef01234567")
        ]

        assert stored == [False, False]
        assert await database["fastauth_sessions"].count_documents({}) == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_no_step_is_awaited_for_a_session_that_is_not_stored(kind: str) -> None:
    """A session for another password than the user's is not stored, and no step is awaited for it."""
    async with mongo_database(kind) as database:
        store = MongoStore(database)
        await store.create_schema()
        account = await store.add_user(ADA, roles=[])
        steps: list[bool] = []

        async def step(commit: Commit[Any]) -> None:
            steps.append(commit.result)

        stored = [
            await store.before_commit(step).add_session(new_session(account.id), hashed_password=hashed)
            for hashed in ("another hash", "hash")
        ]

        assert stored == [False, True]
        assert steps == [True]


async def test_reads_go_to_the_primary() -> None:
    """What was revoked is read as revoked, also where the app's client reads from secondaries."""
    wire = Wire()
    options = {"event_listeners": [wire], "readPreference": "secondary"}
    async with mongo_database("mongo-replica-set", **options) as database:
        store = MongoStore(database)
        await store.create_schema()

        await store.add_user(ADA, roles=[])

        assert await store.find_user(Login("username", "ada")) is not None


@pytest.mark.parametrize("tz_aware", [False, True])
async def test_times_are_in_utc_whatever_the_client_says(tz_aware: bool) -> None:
    """Times of sessions are aware and in UTC, with a client that gives naive ones, too."""
    async with mongo_database("mongo-standalone", tz_aware=tz_aware) as database:
        store = MongoStore(database)
        account = await store.add_user(ADA, roles=[])
        await store.add_session(new_session(account.id), hashed_password="hash")

        (session,) = await store.list_sessions(account.id, now=NOW)

        assert session == new_session(account.id)
        assert session.created_at.tzinfo is timezone.utc


# PyMongo leaves a socket to the garbage collector when it is closed while it connects: collected here, not elsewhere.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.find_user(Login("username", "ada")),
        lambda store: store.authenticate("session-1"),
        lambda store: store.add_user(ADA, roles=[]),
        lambda store: store.list_roles(),
        lambda store: store.create_schema(),
    ],
)
async def test_a_server_that_hangs_up_is_an_outage(call: Callable[[MongoStore], Any]) -> None:
    """Where nobody answers, every verb says so, and nothing else."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client = mongo_client(*server.server_address, serverSelectionTimeoutMS=100)

        with pytest.raises(StoreUnavailableException):
            await call(MongoStore(client["app"]))

        await closed(client)
        server.shutdown()
        thread.join()
    del client
    gc.collect()


@pytest.mark.parametrize("kind", KINDS)
async def test_credentials_that_are_refused_are_told(kind: str) -> None:
    """A wrong user is a clear error when the app starts, and an outage at a request; the password is in no text."""
    client = mongo_client(mongo_url(kind), username="nobody", password="a-password-that-nobody-may-read")
    store = MongoStore(client["app"])

    for step in (store.create_schema, store.missing_schema):
        with pytest.raises(ConfigurationError, match="refuses the app: the user") as told:
            await step()
        assert "may-read" not in f"{told.value!r} {told.value.__cause__!r}"
    with pytest.raises(StoreUnavailableException):
        await store.find_user(Login("username", "ada"))
    await closed(client)


@pytest.mark.parametrize(("code", "told"), [(13, ConfigurationError), (26, OperationFailure)])
def test_rights_that_are_missing_are_told(code: int, told: type[Exception]) -> None:
    """A user who may not write is told when the app starts; any other error of the server's stays what it is."""
    text = "may not read, write" if told is ConfigurationError else "of the server"

    with pytest.raises(told, match=text), refusals_told():
        raise OperationFailure("an error of the server", code)


@pytest.mark.parametrize("strange", ["\ud800", {"$ne": None}, {"$gt": ""}, None, 1, b"ada", ["ada"]])
async def test_what_is_no_text_finds_nothing(strange: Any) -> None:
    """What is no text is found nowhere, and an operator in its place is none."""
    async with mongo_database("mongo-standalone") as database:
        store = MongoStore(database)
        account = await store.add_user(ADA, roles=[])
        await store.add_session(new_session(account.id), hashed_password="hash")

        assert await store.get_user(strange) is None
        assert await store.find_user(Login("username", strange)) is None
        assert await store.find_user(Login("email", strange)) is None
        assert await store.authenticate(strange) is None
        assert not await store.revoke_session(strange, now=NOW)
        assert await store.get_role(strange) is None
        assert not await store.delete_role(strange)
        assert not await store.replace_password(account.id, old_hash=strange, new_hash="new hash")
        assert not await store.add_session(new_session(account.id, "session-2"), hashed_password=strange)
        assert not await store.add_session(new_session(strange, "session-2"), hashed_password="hash")
        assert not await store.rotate_session(
            "session-1", user_id=strange, generation=0, now=NOW, expires_at=NOW + HOUR
        )
        assert await store.get_user(account.id) == account


async def test_a_text_that_cannot_be_stored_is_refused() -> None:
    """A text that MongoDB cannot keep is refused as a value that does not fit."""
    async with mongo_database("mongo-standalone") as database:
        with pytest.raises(ValidationException):
            await MongoStore(database).add_role("editor", "\ud800")


async def test_what_refuses_a_role_is_not_hidden() -> None:
    """Where the database refuses a role for another reason than that it is there already, the error is the driver's."""
    async with mongo_database("mongo-standalone") as database:
        await database.create_collection("fastauth_roles", validator={"description": {"$ne": ""}})

        with pytest.raises(BulkWriteError):
            await MongoStore(database).ensure_roles({"editor": ""})


@pytest.mark.parametrize("refused", [True, False])
async def test_a_user_whom_the_database_refuses_is_not_stored(refused: bool) -> None:
    """What a schema of the app's own refuses is a value that does not fit, and the error does not show the values."""
    async with mongo_database("mongo-standalone") as database:
        await database.create_collection("fastauth_users", validator={"email": {"$ne": ADA.email if refused else ""}})
        store = MongoStore(database)

        if refused:
            with pytest.raises(ValidationException) as error:
                await store.add_user(ADA, roles=[])
            assert error.value.__cause__ is None
        else:
            await store.add_user(ADA, roles=[])

        assert await database["fastauth_accounts"].count_documents({}) == (0 if refused else 1)


async def test_an_id_of_a_session_is_given_out_once() -> None:
    """A second session of the same id is not stored, and the first one stays as it is."""
    async with mongo_database("mongo-standalone") as database:
        store = MongoStore(database)
        account = await store.add_user(ADA, roles=[])
        session = new_session(account.id)

        stored = [await store.add_session(session, hashed_password="hash") for _ in range(2)]

        assert stored == [True, False]


async def test_who_loses_every_race_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that loses one race after another gives up in the end, and says that the store is busy."""
    monkeypatch.setattr("fastauth.backends.mongo.errors._LONGEST_PAUSE", 0)

    class Loser:
        def __init__(self) -> None:
            self._contended = asyncio.Lock()
            self.attempts = 0

        @retried
        async def verb(self) -> None:
            self.attempts += 1
            raise LostRaceError

    loser = Loser()
    with pytest.raises(StoreUnavailableException):
        await loser.verb()

    assert loser.attempts > 3


async def test_an_interrupted_start_is_begun_again() -> None:
    """A first call that is cancelled leaves nothing half made: the next one works."""
    async with mongo_database("mongo-standalone") as database:

        class Fresh(Document):
            """A class that Beanie has never seen."""

            username: str
            email: str
            hashed_password: str
            disabled: bool

        store = MongoStore(database, user_model=Fresh)
        for _ in range(20):
            call = asyncio.ensure_future(store.find_user(Login("username", "ada")))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

        assert await store.find_user(Login("username", "ada")) is None
        assert Fresh.get_collection_name() == "Fresh"


async def test_an_empty_database_lacks_everything() -> None:
    """What is missing is told by name, and nothing is missing once it has been made, by eight at once."""
    async with mongo_database("mongo-standalone") as database:
        stores = [MongoStore(database) for _ in range(8)]
        before = await stores[0].missing_schema()

        await asyncio.gather(*(store.create_schema() for store in stores))

        names = ("users", "accounts", "roles", "sessions", "used_tokens", "audit_records")
        ours = [f"fastauth_{name}" for name in names]
        assert sorted(before) == sorted(ours)
        assert await stores[0].missing_schema() == []
        await database["fastauth_users"].drop_index("email_1")
        assert await stores[0].missing_schema() == ["index on fastauth_users.email"]


async def test_an_index_of_the_apps_own_is_left_as_it_is() -> None:
    """A plain index on the name stays beside ours, and a unique one by any name is as good as ours."""
    async with mongo_database("mongo-standalone") as database:
        users = database["fastauth_users"]
        await users.create_index("username")
        await users.create_index("email", unique=True, name="by_mail")
        store = MongoStore(database)

        await store.create_schema()

        assert sorted(await users.index_information()) == ["_id_", "by_mail", "fastauth_username", "username_1"]
        await store.add_user(ADA, roles=[])
        with pytest.raises(UserExistsException):
            await store.add_user(NewUser("ada", "other@example.com", "hash"), roles=[])


async def test_two_users_of_one_name_are_told() -> None:
    """Where the collection holds two users of one name, the schema cannot be made, and the message says why."""
    async with mongo_database("mongo-standalone") as database:
        await database["fastauth_users"].insert_many([{"username": "ada", "email": str(n)} for n in range(2)])

        with pytest.raises(ConfigurationError, match="several documents with one username"):
            await MongoStore(database).create_schema()


async def test_expired_sessions_are_deleted_by_the_server_in_time() -> None:
    """An index deletes sessions a day after they expired, so that clocks which differ do no harm."""
    async with mongo_database("mongo-standalone") as database:
        await MongoStore(database).create_schema()

        indexes = await database["fastauth_sessions"].index_information()

        assert indexes["expires_at_1"]["expireAfterSeconds"] == 86_400


@pytest.mark.parametrize("commits", [True, False])
async def test_a_joined_store_works_in_the_callers_transaction(commits: bool) -> None:
    """What a joined store does is there when the caller commits, and nothing of it is when the caller aborts."""
    async with mongo_database("mongo-replica-set") as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.ensure_roles({SUPERADMIN: "", "user": ""})
        await store.add_user(NewUser("root", "root@example.com", "hash"), roles=[SUPERADMIN])
        await database.create_collection("notes")

        async with mongo_transaction(database) as session:
            joined = store.joined(session)
            account = await joined.add_user(ADA, roles=["user"])
            await joined.add_session(new_session(account.id), hashed_password="hash")
            await joined.grant_role(account.id, SUPERADMIN)
            await joined.revoke_role(account.id, SUPERADMIN)
            await joined.set_password(account.id, "new hash", now=NOW, keep_session="session-1")
            await database["notes"].insert_one({"text": "beside"}, session=session)
            inside = await joined.authenticate("session-1")
            outside = await store.find_user(Login("username", "ada"))
            await (session.commit_transaction() if commits else session.abort_transaction())

        assert inside is not None
        assert outside is None
        assert (await store.find_user(Login("username", "ada")) is not None) is commits
        assert [session.id for session in await store.list_sessions(account.id, now=NOW)] == ["session-1"] * commits
        assert await database["fastauth_accounts"].count_documents({}) == 1 + commits


async def test_a_taken_name_ends_the_transaction() -> None:
    """Inside a transaction, too, a taken name is told by its field; the transaction is over then."""
    async with mongo_database("mongo-replica-set") as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.add_user(ADA, roles=[])

        async with mongo_transaction(database) as session:
            with pytest.raises(UserExistsException) as taken:
                await store.joined(session).add_user(ADA, roles=[])

        assert taken.value.field == "username"
        assert await database["fastauth_accounts"].count_documents({}) == 1


async def test_transactions_that_meet_are_begun_again() -> None:
    """Two transactions that would each take the other superadmin's role are taken in turn by ``with_transaction``."""
    async with mongo_database("mongo-replica-set") as database:
        store = MongoStore(database)
        await store.create_schema()
        await store.ensure_roles({SUPERADMIN: ""})
        new = [NewUser(name, f"{name}@example.com", "hash") for name in ("ada", "grace")]
        ids = [(await store.add_user(each, roles=[SUPERADMIN])).id for each in new]

        async def demote(user_id: str) -> None:
            async with mongo_session(database) as session:
                await session.with_transaction(lambda own: store.joined(own).revoke_role(user_id, SUPERADMIN))

        outcomes = await asyncio.gather(*map(demote, ids), return_exceptions=True)

        holders = [account.username for account in await store.list_users(role=SUPERADMIN, limit=10)]
        assert len(holders) == 1
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "ProtectedRoleException"]
