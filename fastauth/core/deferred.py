"""A user that is made when it is first asked for: most requests ask for no more than the account."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

_U = TypeVar("_U", default=Any)


class Deferred(Generic[_U]):
    """What a store gives an account instead of the user, where making one costs more than the rest of the account.

    Args:
        make: Makes the user of what has been read already; no I/O. What it raises is raised at each asking.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], _U]) -> None:
        self._make = make
        self._made: dict[str, _U] = {}

    def get(self) -> _U:
        """Return the user, at every call the same."""
        # In one step: of two threads that ask at once, both get what came first.
        return self._made.setdefault("user", self._make())


class HasUser(Generic[_U]):
    """The part of a frozen class with slots that lets its field ``user`` be a :class:`Deferred`, and never shows that.

    The slot stays empty until it is read, so that whatever reads it finds the user: comparing, hashing, copying,
    pickling, and :func:`dataclasses.replace` as much as the app.
    """

    __slots__ = ("_deferred",)

    def __post_init__(self) -> None:
        """Leave the slot empty."""
        user: object = getattr(self, "user")  # noqa: B009  # a field of the subclass
        if isinstance(user, Deferred):
            object.__setattr__(self, "_deferred", user)
            object.__delattr__(self, "user")

    if not TYPE_CHECKING:  # pragma: no branch  # a type checker would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Fill the slot; Python asks here for what it has not found."""
            if name != "user":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            user = self._deferred.get()
            object.__setattr__(self, "user", user)
            return user
