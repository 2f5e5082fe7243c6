"""Whether somebody may call themselves so: reserved names, and names that look like an administrator's."""

from collections.abc import AsyncIterator
from typing import Generic

from fastauth.core.models import ADMIN, SUPERADMIN, U
from fastauth.core.names import NamePolicy
from fastauth.core.protocols import UserStore

_PAGE = 200


class Names(Generic[U]):
    """Judges the usernames that people choose for themselves at registration; an operator may give any.

    The administrators are asked for at each registration, two reads by an index: any name, a plain one too, can look
    like that of an administrator, and beside the hash of a password the reads are nothing.

    Args:
        store: Where the administrators are kept.
        policy: What is reserved.
    """

    def __init__(self, store: UserStore[U], policy: NamePolicy) -> None:
        self._store = store
        self._policy = policy

    async def check(self, username: str) -> None:
        """Judge a username, in canonical form.

        Raises:
            ValidationException: It mixes scripts, is or looks like a reserved one, or looks like an administrator's.
        """
        self._policy.check(username)
        self._policy.check_against(username, [name async for name in self._administrators()])

    async def _administrators(self) -> AsyncIterator[str]:
        for role in (SUPERADMIN, ADMIN):
            after: str | None = None
            while True:
                page = await self._store.list_users(role=role, after=after, limit=_PAGE)
                for account in page:
                    yield account.username
                if len(page) < _PAGE:
                    break
                after = page[-1].id
