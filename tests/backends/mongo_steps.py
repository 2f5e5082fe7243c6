"""Verbs of a store that meet, and a way to stop one of them before any of its commands."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import pytest

from fastauth import Store
from fastauth.backends.mongo.database import Collection
from fastauth.core.exceptions import FastAuthException
from fastauth.core.models import SUPERADMIN, Login, NewUser
from tests.backends.mongo_app import HOUR, NOW, new_session

Ids = Mapping[str, str]
Step = Callable[[Store[Any], Ids], Awaitable[Any]]

_LATER = NOW + HOUR / 2


async def set_scene(store: Store[Any]) -> Ids:
    """Store two superadmins and a user with two sessions each; return their ids."""
    await store.ensure_roles({SUPERADMIN: "", "user": "", "editor": ""})
    ids: dict[str, str] = {}
    for name, roles in (("ada", [SUPERADMIN, "user"]), ("grace", [SUPERADMIN]), ("joan", ["user"])):
        ids[name] = (await store.add_user(NewUser(name, f"{name}@x", f"hash of {name}"), roles=roles)).id
        for session_id in (f"{name}-1", f"{name}-2"):
            assert await store.add_session(new_session(ids[name], session_id), hashed_password=f"hash of {name}")
    return ids


async def look(store: Store[Any], ids: Ids) -> dict[str, Any]:
    """Return everything that the verbs let one see; in the end also whether enabling brings a session back."""
    seen: dict[str, Any] = {}
    sessions = [f"{name}-{number}" for name in ids for number in (1, 2, 3)]
    for name in (*ids, "new"):
        account = await store.find_user(Login("username", name))
        seen[name] = account and (account.disabled, account.user.disabled, account.hashed_password, account.roles)
    for name, user_id in ids.items():
        seen[f"sessions of {name}"] = {session.id for session in await store.list_sessions(user_id, now=_LATER)}
    for moment in ("now", "when all are enabled"):
        for session_id in sessions:
            account = await store.authenticate(session_id)
            session = account and account.session
            seen[f"{session_id} {moment}"] = session and (session.is_live(_LATER), session.generation)
        for user_id in ids.values():
            await store.set_disabled(user_id, False, now=_LATER)
    return seen


async def outcome_of(step: Step, store: Store[Any], ids: Ids) -> Any:
    """Return what the step returned, or the class of ours that it raised."""
    try:
        return await step(store, ids)
    except FastAuthException as error:
        return type(error)


STEPS: dict[str, Step] = {
    "demote ada": lambda store, ids: store.revoke_role(ids["ada"], SUPERADMIN),
    "demote grace": lambda store, ids: store.revoke_role(ids["grace"], SUPERADMIN),
    "disable ada": lambda store, ids: store.set_disabled(ids["ada"], True, now=_LATER),
    "disable grace": lambda store, ids: store.set_disabled(ids["grace"], True, now=_LATER),
    "delete grace": lambda store, ids: store.delete_user(ids["grace"]),
    "promote": lambda store, ids: store.grant_role(ids["joan"], SUPERADMIN),
    "grant": lambda store, ids: store.grant_role(ids["joan"], "editor", unless_holding=[SUPERADMIN]),
    "revoke": lambda store, ids: store.revoke_role(ids["joan"], "user", unless_holding=[SUPERADMIN]),
    "disable": lambda store, ids: store.set_disabled(ids["joan"], True, now=_LATER),
    "enable": lambda store, ids: store.set_disabled(ids["joan"], False, now=_LATER, unless_holding=[SUPERADMIN]),
    "delete": lambda store, ids: store.delete_user(ids["joan"]),
    "password": lambda store, ids: store.set_password(ids["joan"], "new", now=_LATER),
    "password, keep 1": lambda store, ids: store.set_password(ids["joan"], "1", now=_LATER, keep_session="joan-1"),
    "password, keep 2": lambda store, ids: store.set_password(ids["joan"], "2", now=_LATER, keep_session="joan-2"),
    "same password": lambda store, ids: store.set_password(
        ids["joan"], "hash of joan", now=_LATER, keep_session="joan-2"
    ),
    "rehash": lambda store, ids: store.replace_password(ids["joan"], old_hash="hash of joan", new_hash="r"),
    "rehash too": lambda store, ids: store.replace_password(ids["joan"], old_hash="hash of joan", new_hash="r"),
    "sign in": lambda store, ids: store.add_session(new_session(ids["joan"], "joan-3"), hashed_password="hash of joan"),
    "end others": lambda store, ids: store.revoke_sessions(ids["joan"], now=_LATER, except_session="joan-1"),
    "end all": lambda store, ids: store.revoke_sessions(ids["joan"], now=_LATER),
    "rotate": lambda store, ids: store.rotate_session(
        "joan-1", user_id=ids["joan"], generation=0, now=_LATER, expires_at=_LATER + HOUR
    ),
    "sign out": lambda store, ids: store.revoke_session("joan-1", now=_LATER),
    "rehash to itself": lambda store, ids: store.replace_password(
        ids["joan"], old_hash="hash of joan", new_hash="hash of joan"
    ),
    "ensure a role": lambda store, _: store.ensure_roles({"brand-new": ""}),
    "register": lambda store, _: _register(store, "new"),
    "register again": lambda store, _: _register(store, "joan"),
}


async def enable_and_sign_in(store: Store[Any], ids: Ids) -> Any:
    """Take two steps, one after the other."""
    return [await STEPS[name](store, ids) for name in ("enable", "sign in")]


async def _register(store: Store[Any], name: str) -> str:
    new = NewUser(name, f"{name}@new", "hash of new")
    return (await store.add_user(new, roles=["user"])).username


class Stop:
    """A place to be stopped at: before the n-th command of a task.

    Attributes:
        reached: The task stands before the command.
        go: Lets it go on.
    """

    def __init__(self, before: int) -> None:
        self._left = before
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def wait(self) -> None:
        """Wait here, if this is the place."""
        self._left -= 1
        if self._left == 0:
            self.reached.set()
            await self.go.wait()


_stop: ContextVar[Stop | None] = ContextVar("stop", default=None)


def make_stoppable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands be stopped before they are sent, in tasks made by :func:`stopped`."""
    for name, command in list(vars(Collection).items()):
        # Each command once: these two send theirs by another one, or for it.
        if inspect.iscoroutinefunction(command) and name not in {"insert_from", "_rows"}:
            monkeypatch.setattr(Collection, name, _stoppable(command))


def _stoppable(command: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def send(*args: Any, **kwargs: Any) -> Any:
        stop = _stop.get()
        if stop is not None:
            await stop.wait()
        return await command(*args, **kwargs)

    return send


async def stopped(step: Awaitable[Any], before: int) -> tuple[asyncio.Task[Any], Stop]:
    """Start the step, and return when it stands before its n-th command, or is done without ever coming there."""
    stop = Stop(before)

    async def run() -> Any:
        _stop.set(stop)
        return await step

    task = asyncio.ensure_future(run())
    reached = asyncio.ensure_future(stop.reached.wait())
    await asyncio.wait([task, reached], return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    return task, stop
