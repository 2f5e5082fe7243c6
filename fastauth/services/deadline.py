"""No store call takes for ever: a hung server becomes an answer, not a hung request."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, cast

import anyio

from fastauth.core.exceptions import StoreUnavailableException
from fastauth.core.models import U
from fastauth.core.protocols import AuditStore, CommitStep, RoleStore, Store, TokenStore, UserStore

_P = ParamSpec("_P")
_R = TypeVar("_R")

_TIMED_VERBS = frozenset(
    name
    for seam in (UserStore, RoleStore, TokenStore, AuditStore)
    for name, verb in vars(seam).items()
    if not name.startswith("_") and name != "public_values" and callable(verb)
)


_PATIENCE = 60  # times as long as for others, with a verb that purges: it goes in steps, each of which is short


def with_deadline(store: Store[U], timeout: timedelta) -> Store[U]:
    """Return the same store, whose verbs give up after ``timeout`` with ``StoreUnavailableException``.

    Making the schema is not timed: on a large database it may rightly take longer. A purge may take sixty times as
    long; what it has deleted by then stays deleted.
    """
    return cast("Store[U]", _Timed(store, timeout.total_seconds()))


class _Timed:
    def __init__(self, store: Store[Any], seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        for name in _TIMED_VERBS:
            patience = _PATIENCE if name.startswith("purge_") else 1
            setattr(self, name, timed(getattr(store, name), seconds * patience))

    def before_commit(self, step: CommitStep[Any]) -> "_Timed":
        return _Timed(self._store.before_commit(step), self._seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def timed(verb: Callable[_P, Awaitable[_R]], seconds: float) -> Callable[_P, Awaitable[_R]]:
    """Return the same verb, which gives up after so many seconds with ``StoreUnavailableException``."""

    @functools.wraps(verb)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with anyio.move_on_after(seconds):
            return await verb(*args, **kwargs)
        raise StoreUnavailableException

    return call
