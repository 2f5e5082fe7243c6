"""A correct store in thirty lines, and stores that are wrong in one way each."""

import asyncio
import contextlib
import copy
import inspect
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from fastauth.backends.memory import MemoryStore
from fastauth.backends.memory.data import Data
from fastauth.core.exceptions import ProtectedRoleException, UserExistsException
from fastauth.core.models import SUPERADMIN, Account, Login, NewUser, Session


class SnapshotStore(MemoryStore):
    """Reads everything, waits, changes its copy and writes everything back, as a store in one file would.

    One lock around each verb makes that one atomic step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turn: contextlib.AbstractAsyncContextManager[Any] = asyncio.Lock()

    def __getattribute__(self, name: str) -> Any:
        verb = super().__getattribute__(name)
        if name.startswith("_") or not inspect.iscoroutinefunction(verb):
            return verb

        async def step(*args: Any, **kwargs: Any) -> Any:
            async with self.turn:
                return await self._in_a_copy(verb, *args, **kwargs)

        return step

    async def _in_a_copy(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        snapshot = MemoryStore()
        snapshot._shared.data, snapshot._step = copy.deepcopy(self.data), self._step
        await asyncio.sleep(0)
        result = await verb.__func__(snapshot, *args, **kwargs)  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        self._shared.data = snapshot.data
        return result


class WithoutLock(SnapshotStore):
    """The lock is gone: two verbs at once write over each other."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = contextlib.nullcontext()


class ChecksThenInserts(MemoryStore):
    """Looks whether the names are free, waits, and inserts without looking again."""

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[Any]:
        for field in ("username", "email"):
            if await self.find_user(Login(field, getattr(new, field))):  # type: ignore[arg-type]
                raise UserExistsException(field=field)
        await asyncio.sleep(0)
        unheard_of = secrets.token_hex(8)
        account = await super().add_user(replace(new, username=unheard_of, email=unheard_of), roles=roles)
        user = self.data.users[account.id]
        user.username, user.email = new.username, new.email
        return replace(account, username=new.username, email=new.email)


class RotatesTwice(MemoryStore):
    """Compares the generation, waits, and swaps."""

    async def rotate_session(self, session_id: str, *, generation: int, **rest: Any) -> bool:  # type: ignore[override]
        session = self.data.sessions.get(session_id)
        await asyncio.sleep(0)
        if session is None or session.generation != generation:
            return False
        self.data.sessions[session_id] = replace(self.data.sessions[session_id], generation=generation)
        return await super().rotate_session(session_id, generation=generation, **rest)


class CountsThenDemotes(MemoryStore):
    """Counts the superadmins, waits, and takes the role from one."""

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        held, role_id = self.data.changeable(user_id, role_name, unless_holding)
        is_held = role_id in held
        if is_held and role_name == SUPERADMIN:
            self.data.keep_a_superadmin(user_id)
        await asyncio.sleep(0)
        held.discard(role_id)
        return is_held


class SignsInTheDisabled(MemoryStore):
    """Checks the account, waits, and stores the session."""

    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        user = self.data.users.get(session.user_id)
        if user is None or user.disabled or user.hashed_password != hashed_password:
            return False
        await asyncio.sleep(0)
        self.data.sessions[session.id] = session
        return True


class FoldsCase(MemoryStore):
    """Finds names in any case, as a collation does."""

    async def find_user(self, login: Login) -> Account[Any] | None:
        return await super().find_user(login._replace(value=login.value.casefold()))


class ForgetsTheZone(MemoryStore):
    """Returns times as the database has them, without their zone."""

    async def authenticate(self, session_id: str) -> Account[Any] | None:
        account = await super().authenticate(session_id)
        if account is None or account.session is None:
            return account
        session = account.session
        return replace(account, session=replace(session, created_at=session.created_at.replace(tzinfo=None)))


class StoresHalf(MemoryStore):
    """Stores the user before it looks for the roles."""

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[Any]:
        account = await super().add_user(new, roles=[])
        for role in roles:
            await self.grant_role(account.id, role)
        return replace(account, roles=frozenset(roles))


class TripsOverIds(MemoryStore):
    """Hands an id to the driver as it came."""

    async def get_user(self, user_id: str) -> Account[Any] | None:
        return await super().get_user(str(int(user_id)))


class KeepsNoSuperadmin(MemoryStore):
    """Knows no superadmin rule."""

    class _Data(Data):
        def keep_a_superadmin(self, leaving: str) -> None:
            pass

    def __init__(self) -> None:
        super().__init__()
        self._shared.data = self._Data()


class GuardsTooMuch(MemoryStore):
    """Lets no superadmin go, not even one of two."""

    class _Data(Data):
        def keep_a_superadmin(self, leaving: str) -> None:
            if SUPERADMIN in self.account(self.users[leaving]).roles:
                raise ProtectedRoleException

    def __init__(self) -> None:
        super().__init__()
        self._shared.data = self._Data()


class RevivesSessions(MemoryStore):
    """Ends the sessions of a disabled user in passing, and not for good."""

    async def set_disabled(self, user_id: str, disabled: bool, **rest: Any) -> bool:  # type: ignore[override]
        before = dict(self.data.sessions)
        done = await super().set_disabled(user_id, disabled, **rest)
        self.data.sessions.update(before)
        return done


CORRECT = [MemoryStore, SnapshotStore]
BROKEN = [
    WithoutLock,
    ChecksThenInserts,
    RotatesTwice,
    CountsThenDemotes,
    SignsInTheDisabled,
    FoldsCase,
    ForgetsTheZone,
    StoresHalf,
    TripsOverIds,
    KeepsNoSuperadmin,
    GuardsTooMuch,
    RevivesSessions,
]
