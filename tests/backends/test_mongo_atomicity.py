"""Every verb of the Mongo store is one atomic step, without transactions: stopped anywhere, it did all or nothing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import anyio
import pytest

pytest.importorskip("beanie")

from bson import ObjectId

from fastauth.backends.memory import MemoryStore
from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import PermissionDeniedException, ProtectedRoleException
from fastauth.core.models import SUPERADMIN, VERIFIED, NewUser
from fastauth.core.protocols import Commit
from tests.backends.mongo_app import HOUR, NOW, new_session
from tests.backends.mongo_steps import STEPS, enable_and_sign_in, look, make_stoppable, outcome_of, set_scene, stopped
from tests.servers import mongo_database


@pytest.fixture
async def database(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Any, None]:
    """A database whose commands can be stopped, on a server that has no transactions."""
    make_stoppable(monkeypatch)
    async with mongo_database("mongo-standalone") as database:
        await MongoStore(database).create_schema()
        yield database


async def empty(database: Any) -> MongoStore:
    """Return a store on the database, with nothing in it."""
    for name in await database.list_collection_names():
        await database[name].delete_many({})
    return MongoStore(database)


async def in_turn(*names: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the outcomes of the steps when they are taken one after another, and what is there to be seen then."""
    store = MemoryStore()
    ids = await set_scene(store)
    return [await outcome_of(STEPS[name], store, ids) for name in names], await look(store, ids)


@pytest.mark.parametrize("name", STEPS)
async def test_a_crash_leaves_all_or_nothing(database: Any, name: str) -> None:
    """A verb that breaks off between two commands has done all or nothing, and can be called again."""
    allowed = [(await in_turn())[1], (await in_turn(name))[1]]
    before = 0
    interrupted = True
    while interrupted:
        before += 1
        store = await empty(database)
        ids = await set_scene(store)

        task, _ = await stopped(STEPS[name](store, ids), before)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        interrupted = isinstance(outcome, asyncio.CancelledError)
        seen = await look(store, ids)

        assert seen in allowed, f"{name} stopped before command {before}"
        allowed = allowed[allowed.index(seen) :]  # what was decided stays decided, however far the rest got
    assert before > 1


MEETINGS = [
    *((one, other) for one in ("demote ada", "disable ada") for other in ("demote grace", "disable grace")),
    ("demote ada", "delete grace"),
    ("delete grace", "demote ada"),
    ("delete grace", "disable ada"),
    ("disable", "promote"),
    ("delete", "promote"),
    ("grant", "promote"),
    ("revoke", "promote"),
    ("grant", "delete"),
    ("delete", "grant"),
    ("register again", "delete"),
    ("delete", "register again"),
    ("sign in", "disable"),
    ("sign in", "password"),
    ("sign in", "rehash"),
    ("sign in", "delete"),
    ("disable", "sign in"),
    ("disable", "enable"),
    ("password", "sign in"),
    ("password", "rehash"),
    ("password, keep 1", "password, keep 2"),
    ("password, keep 1", "end others"),
    ("password, keep 1", "same password"),
    ("password, keep 2", "end others"),
    ("end others", "password, keep 1"),
    ("end others", "password, keep 2"),
    ("end others", "rehash"),
    ("rehash", "end others"),
    ("rehash", "password, keep 1"),
    ("rehash", "rehash too"),
    ("rotate", "disable"),
    ("rotate", "end all"),
    ("rotate", "rotate"),
    ("sign out", "rotate"),
    ("disable", "rotate"),
    ("delete", "rotate"),
    ("ensure a role", "ensure a role"),
]


@pytest.mark.parametrize("names", MEETINGS, ids=" while ".join)
async def test_two_verbs_that_meet_are_taken_in_turn(database: Any, names: Sequence[str]) -> None:
    """Wherever one verb is overtaken by another, it is as if one had come after the other."""
    one, other = names
    ordered, reverse = await in_turn(one, other), await in_turn(other, one)
    allowed = [ordered, (reverse[0][::-1], reverse[1])]
    before, overtaken = 0, True
    while overtaken:
        before += 1
        store = await empty(database)
        ids = await set_scene(store)

        task, stop = await stopped(outcome_of(STEPS[one], store, ids), before)
        overtaken = not task.done()
        second = await outcome_of(STEPS[other], store, ids)
        stop.go.set()

        seen = ([await task, second], await look(store, ids))
        assert seen in allowed, f"{one} stopped before command {before}"
    assert before > 1


async def test_who_signs_in_while_being_disabled_is_signed_out(database: Any) -> None:
    """Who is enabled and signs in while a disabling is under way is disabled by it in the end, and signed out."""
    store = await empty(database)
    ids = await set_scene(store)

    task, stop = await stopped(STEPS["disable"](store, ids), 3)  # before it writes into the app's document
    assert await enable_and_sign_in(store, ids) == [True, True]
    stop.go.set()

    assert await task
    seen = await look(store, ids)
    assert seen["joan"][:2] == (True, True)
    assert seen["joan-3 when all are enabled"] == (False, 0)


@pytest.mark.parametrize("step", ["grant", "revoke", "enable"])
async def test_who_has_become_a_superadmin_is_out_of_reach(database: Any, step: str) -> None:
    """A user is not changed by whom they may not be at that very moment, whatever the look before had said."""
    store = await empty(database)
    ids = await set_scene(store)

    task, stop = await stopped(outcome_of(STEPS[step], store, ids), 2)
    await STEPS["promote"](store, ids)
    stop.go.set()

    assert await task is PermissionDeniedException
    assert (await look(store, ids))["joan"][-1] == {SUPERADMIN, "user"}


@pytest.mark.parametrize(
    "step",
    [
        lambda store, user_id: store.grant_role(user_id, "reader"),
        lambda store, user_id: store.set_disabled(user_id, True, now=NOW),
        lambda store, user_id: store.replace_password(user_id, old_hash="hash", new_hash="better"),
        lambda store, user_id: store.revoke_sessions(user_id, now=NOW),
    ],
)
async def test_verbs_meet_over_a_user_whom_the_app_stored(database: Any, step: Any) -> None:
    """What we know of a user whom the app itself stored is made by whoever comes first, and nothing of it is lost."""
    store = await empty(database)
    await store.ensure_roles({"reader": "", "editor": ""})
    user = {"_id": ObjectId(), "username": "ada", "email": "ada@x", "hashed_password": "hash", "disabled": False}
    await database["fastauth_users"].insert_one(user)
    user_id = str(user["_id"])

    task, stop = await stopped(step(store, user_id), 2)
    await store.grant_role(user_id, "editor")
    stop.go.set()
    await task

    account = await store.get_user(user_id)
    assert account is not None
    assert "editor" in account.roles


async def test_a_step_that_loses_a_race_waits_for_no_turn(database: Any) -> None:
    """A verb that has lost a race stands in line, and its step, which loses one too, does not stand behind it."""
    store = await empty(database)
    ids = await set_scene(store)
    steps: list[Any] = []

    async def step(commit: Commit[Any]) -> None:
        if not steps:  # and so the verb loses its race
            steps.append(await store.revoke_sessions(ids["joan"], now=NOW, except_session="joan-1"))
            return
        task, stop = await stopped(commit.store.revoke_sessions(ids["ada"], now=NOW), 3)
        await store.revoke_sessions(ids["ada"], now=NOW, except_session="ada-1")
        stop.go.set()
        steps.append(await task)

    with anyio.fail_after(60):
        disabled = await store.before_commit(step).set_disabled(ids["joan"], True, now=NOW)

    assert disabled
    assert steps == [1, 1]
    assert not await store.list_sessions(ids["ada"], now=NOW)


async def test_an_address_that_becomes_ones_own_meanwhile_is_not_somebody_elses(database: Any) -> None:
    """Of two who give a user one address, neither is told that somebody has it, and it is verified if one says so."""
    store = await empty(database)
    ids = await set_scene(store)
    await store.ensure_roles({VERIFIED: ""})

    async def consent(_: Commit[Any]) -> None:
        """Have the address looked for before the step."""

    setting = store.before_commit(consent).set_email(ids["joan"], "joan@new", verified=True)
    task, stop = await stopped(setting, 2)
    assert await store.set_email(ids["joan"], "joan@new", verified=False)
    stop.go.set()

    assert await task
    account = await store.get_user(ids["joan"])
    assert account is not None
    assert (account.email, account.verified) == ("joan@new", True)


async def test_a_session_that_has_ended_may_go_while_it_is_looked_at(database: Any) -> None:
    """A session whose end is decided, and not written into it yet, may be deleted between two looks, and is none."""
    store = await empty(database)
    ids = await set_scene(store)
    await STEPS["end others"](store, ids)
    await database["fastauth_sessions"].update_one({"_id": "joan-2"}, {"$set": {"revoked_at": None}})

    task, stop = await stopped(store.authenticate("joan-2"), 2)
    assert await store.purge_expired(NOW + 2 * HOUR)
    stop.go.set()

    assert await task is None


async def test_one_of_many_superadmins_remains(database: Any) -> None:
    """Of a hundred steps at once that would each take away one superadmin of five, one superadmin survives them."""
    store = await empty(database)
    await store.ensure_roles({SUPERADMIN: ""})
    hired = [await store.add_user(NewUser(f"s{n}", f"s{n}@x", "hash"), roles=[SUPERADMIN]) for n in range(5)]
    ids = [account.id for account in hired]

    async def fire(number: int) -> Any:
        user_id = ids[number % 5]
        match number % 3:
            case 0:
                return await store.revoke_role(user_id, SUPERADMIN)
            case 1:
                return await store.set_disabled(user_id, True, now=NOW)
            case _:
                return await store.delete_user(user_id)

    outcomes = await asyncio.gather(*map(fire, range(100)), return_exceptions=True)

    left = [account for account in [await store.get_user(each) for each in ids] if account is not None]
    assert len([account for account in left if not account.disabled and SUPERADMIN in account.roles]) == 1
    assert any(isinstance(outcome, ProtectedRoleException) for outcome in outcomes)


async def test_a_kept_session_can_end_the_others_for_ever(database: Any) -> None:
    """A session that ends the others again and again stays alive, and does not grow without end."""
    store = await empty(database)
    account = await store.add_user(NewUser("ada", "ada@x", "hash"), roles=[])
    await store.add_session(new_session(account.id, "kept"), hashed_password="hash")
    sessions = database["fastauth_sessions"]
    await sessions.update_one({"_id": "kept"}, {"$push": {"epochs": {"$each": list("x" * 2000), "$position": 0}}})

    for number in range(3):
        await store.add_session(new_session(account.id, f"other-{number}"), hashed_password="hash")
        assert await store.revoke_sessions(account.id, now=NOW, except_session="kept") == 1

    assert [session.id for session in await store.list_sessions(account.id, now=NOW + HOUR / 2)] == ["kept"]
    assert len((await sessions.find_one({"_id": "kept"}))["epochs"]) <= 1000
