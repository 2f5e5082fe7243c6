"""A store whose every verb is wrapped in the same thing: a deadline, or a measurement."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from fastauth.core.models import U
from fastauth.core.protocols import AuditStore, CommitStep, RoleStore, Store, TokenStore, UserStore

Verb: TypeAlias = Callable[..., Awaitable[Any]]
Wrap: TypeAlias = Callable[[str, Verb], Verb]

VERBS = frozenset(
    name
    for seam in (UserStore, RoleStore, TokenStore, AuditStore)
    for name, verb in vars(seam).items()
    if not name.startswith("_") and name != "public_values" and callable(verb)
)
"""The names of the verbs, which are awaited; what makes and looks at the schema is none of them."""


def with_each_verb(store: Store[U], wrap: Wrap) -> Store[U]:
    """Return the same store, each verb of which is what ``wrap`` makes of its name and of the store's own."""
    return cast("Store[U]", _Wrapped(store, wrap))


class _Wrapped:
    def __init__(self, store: Store[Any], wrap: Wrap) -> None:
        self._store = store
        self._wrap = wrap
        for name in VERBS:
            setattr(self, name, wrap(name, getattr(store, name)))

    def before_commit(self, step: CommitStep[Any]) -> "_Wrapped":
        return _Wrapped(self._store.before_commit(step), self._wrap)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
