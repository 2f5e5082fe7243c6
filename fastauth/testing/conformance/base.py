"""What the promises are told with: a fixed time, ids that nothing has, users and sessions, and steps taken at once."""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from fastauth.core.models import SUPERADMIN, Account, NewUser, Session
from fastauth.core.protocols import Store

# Ahead of the real time, so that a database that deletes by its own clock deletes nothing of ours; in whole seconds.
NOW = datetime(2035, 6, 15, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

NEW_HASH = "new hash"

MALFORMED_IDS = (
    "",
    " ",
    "\x00",
    "\ud800",
    "0",
    "-1",
    "2147483648",
    "9223372036854775808",
    "9" * 400,
    "1.0",
    "1e0",
    "0x1",
    "1_0",
    "NaN",
    "None",
    "null",
    "True",
    "\u0661",  # a digit one in Arabic script, and one in full width
    "\uff11",
    "\u00b2",
    "..",
    "../1",
    "/etc/passwd",
    "' OR '1'='1",
    "%",
    "_",
    ".*",
    '{"$ne": null}',
    "{00000000-0000-0000-0000-000000000001}",
    "urn:uuid:00000000-0000-0000-0000-000000000001",
    "x" * 10_000,
)
"""Ids that no store gives out, of the kinds that have brought a driver to its knees."""


def strange_ids(real: str) -> tuple[str, ...]:
    """Return ids that nothing has; some of them look much like the real one."""
    near = (f" {real}", f"{real} ", f"{real}\n", f"{real}\x00", f"+{real}", f"0{real}", f"{real}/", f"{real}.0")
    return (*MALFORMED_IDS, *near)


async def race(steps: Iterable[Awaitable[Any]], *, losing: tuple[type[Exception], ...] = ()) -> list[Any]:
    """Take all the steps at once; return what they returned, and those of the exceptions that a loser may raise.

    Raises:
        Exception: The first exception of any other class.
    """

    async def outcome(step: Awaitable[Any]) -> Any:
        try:
            return await step
        except losing as error:
            return error

    return await asyncio.gather(*(outcome(step) for step in steps))


class Conformance:
    """The ground under every class of the suite.

    Attributes:
        user_fields: The values of the user model's own attributes that a new user has to be given.
    """

    user_fields: ClassVar[Mapping[str, Any]] = {}

    def new_user(self, name: str = "ada", *, email: str | None = None) -> NewUser:
        """Return a user to be stored."""
        return NewUser(name, email or f"{name}@example.com", hash_of(name), self.user_fields)

    async def add_user(self, store: Store[Any], name: str = "ada", *, roles: Collection[str] = ()) -> Account[Any]:
        """Store a user, and the roles they hold."""
        await store.ensure_roles(dict.fromkeys(roles, "A role."))
        return await store.add_user(self.new_user(name), roles=roles)

    async def add_superadmin(self, store: Store[Any], name: str = "root") -> Account[Any]:
        """Store a superadmin."""
        return await self.add_user(store, name, roles=[SUPERADMIN])

    async def unknown_user_id(self, store: Store[Any]) -> str:
        """Return a well-formed id that nobody has."""
        account = await self.add_user(store, "gone")
        assert await store.delete_user(account.id)
        return account.id

    async def add_session(
        self, store: Store[Any], account: Account[Any], session_id: str = "session-1", **values: Any
    ) -> Session:
        """Sign the account in for an hour, or as the values say."""
        session = session_of(account, session_id, **values)
        assert await store.add_session(session, hashed_password=account.hashed_password)
        return session

    async def is_signed_in(self, store: Store[Any], session_id: str, *, now: datetime = NOW) -> bool:
        """Say whether the session is there, and live."""
        account = await store.authenticate(session_id)
        return account is not None and account.session is not None and account.session.is_live(now)


def facts(account: Account[Any] | None) -> tuple[Any, ...]:
    """Return what an account says, to be compared; two objects of the same user need not be equal."""
    names = ("id", "username", "email", "hashed_password", "disabled", "roles", "session")
    return tuple(getattr(account, name, None) for name in names)


def hash_of(name: str) -> str:
    """Return what is stored as this user's password hash; to a store it is a string like any other."""
    return f"hash of {name}"


def session_of(account: Account[Any], session_id: str = "session-1", **values: Any) -> Session:
    """Return a session of this account that lives for an hour, or as the values say."""
    times = {"created_at": NOW, "rotated_at": NOW, "expires_at": NOW + HOUR}
    defaults: dict[str, Any] = {"id": session_id, "user_id": account.id, "generation": 0, **times}
    return Session(**{**defaults, **values})
