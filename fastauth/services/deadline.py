"""No store call takes for ever: a hung server becomes an answer, not a hung request."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from fastauth.core.exceptions import StoreUnavailableException
from fastauth.core.models import U
from fastauth.core.patience import Patience
from fastauth.core.protocols import Store
from fastauth.services.verbs import Verb, with_each_verb

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PATIENCE = 60  # times as long as for others, with a verb that purges: it goes in steps, each of which is short


def with_deadline(store: Store[U], timeout: timedelta) -> Store[U]:
    """Return the same store, whose verbs give up after ``timeout`` with ``StoreUnavailableException``.

    Making the schema is not timed: on a large database it may rightly take longer. A purge may take sixty times as
    long; what it has deleted by then stays deleted.
    """
    seconds = timeout.total_seconds()

    def wrap(name: str, verb: Verb) -> Verb:
        return timed(verb, seconds * (_PATIENCE if name.startswith("purge_") else 1))

    return with_each_verb(store, wrap)


def timed(verb: Callable[_P, Awaitable[_R]], seconds: float) -> Callable[_P, Awaitable[_R]]:
    """Return the same verb, which gives up after so many seconds with ``StoreUnavailableException``."""

    @functools.wraps(verb)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with Patience(seconds):
            return await verb(*args, **kwargs)
        raise StoreUnavailableException

    return call
