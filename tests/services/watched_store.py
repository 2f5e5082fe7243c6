"""A real store, on which a test sees what is called and lets something happen at the worst moment."""

import copy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from fastauth import Account, Store
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from fastauth.core.protocols import Commit, CommitStep


class WatchedStore:
    """Passes every verb on to a store.

    Attributes:
        calls: The names of the verbs, as they were called.
        before: What happens right before the next call of a verb, once.
    """

    def __init__(self, store: Store[Any]) -> None:
        self._store = store
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], Awaitable[object]]] = {}

    def before_commit(self, step: CommitStep[Any]) -> "WatchedStore":
        """Return the same store with a step before its commits; inside of it, too, the verbs are watched."""

        async def watched_step(commit: Commit[Any]) -> None:
            await step(replace(commit, store=self._on(commit.store)))

        return self._on(self._store.before_commit(watched_step))

    def _on(self, store: Store[Any]) -> "WatchedStore":
        other = copy.copy(self)
        other._store = store
        return other

    def __getattr__(self, name: str) -> Any:
        if name == "_store":  # of a copy that is not yet complete
            raise AttributeError(name)
        attribute = getattr(self._store, name)
        if not callable(attribute) or name == "public_values":
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            happening = self.before.pop(name, None)
            if happening is not None:
                await happening()
            return await attribute(*args, **kwargs)

        return call


async def disable_behind_our_back(store: Store[Any], account: Account[Any]) -> None:
    """Set ``disabled`` on the user's row as an app may do itself, without ending any session."""
    if isinstance(store, MemoryStore):
        store.data.users[account.id].disabled = True
    elif isinstance(store, SQLStore):
        user_model: Any = type(account.user)
        async with store.database.write() as connection:
            await connection.execute(update(user_model).where(user_model.id == account.user.id).values(disabled=True))
    else:  # a document saves itself
        account.user.disabled = True
        await account.user.save()
