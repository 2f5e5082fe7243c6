"""Hooks in two phases, and the audit trail: what else happens when something happens to an account."""

import inspect
import logging
from collections.abc import Awaitable, Callable, MutableSequence, Sequence
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from fastauth.core.clock import Clock
from fastauth.core.events import Event
from fastauth.core.exceptions import ConfigurationError, StoreUnavailableException
from fastauth.core.models import Account, Client, U
from fastauth.core.protocols import Commit, CommitStep, Store
from fastauth.core.telemetry import SILENT, Telemetries
from fastauth.services.audit import AuditTrail
from fastauth.services.background import Background

logger: logging.Logger = logging.getLogger("fastauth")

_R = TypeVar("_R")
_E = TypeVar("_E", bound=Event)

Hook = Callable[..., Any]
_H = TypeVar("_H", bound=Hook)

current_client: ContextVar[Client | None] = ContextVar("fastauth_client", default=None)
"""Where the request that is being answered came from; None outside of one."""


def client_of_request() -> Client:
    """Return where the request that is being answered came from; an unknown client outside of one."""
    return current_client.get() or Client()


class Events(Generic[U]):
    """Tells the app, and the audit trail, what happens.

    *Before* hooks run inside the transaction of the change, and may refuse it. *After* hooks run when it is committed,
    off the answer's path, and their failure is logged and harms nothing.

    Args:
        background: Runs the after hooks.
        audit: Where everything is put on record.
        clock: The time.
        telemetry: Counts what has happened.
    """

    def __init__(
        self, background: Background, audit: AuditTrail, *, clock: Clock, telemetry: Telemetries = SILENT
    ) -> None:
        self._background = background
        self._audit = audit
        self._clock = clock
        self._telemetry = telemetry
        self._before: list[tuple[type[Event], Hook]] = []
        self._after: list[tuple[type[Event], Hook]] = []

    def before(self, event_class: type[_E]) -> Callable[[_H], _H]:
        """Return what registers a hook to run before an event of this class, or of one below it, is committed."""
        _check_class(event_class)
        if event_class.nothing_to_undo:
            raise ConfigurationError(
                f"{event_class.__name__} changes nothing in the database that a hook could prevent: use auth.on."
            )
        return _registering(self._before, event_class, takes=2)

    def after(self, event_class: type[_E]) -> Callable[[_H], _H]:
        """Return what registers a hook to run after an event of this class, or of one below it, was committed."""
        _check_class(event_class)
        return _registering(self._after, event_class, takes=1)

    def make(self, event_class: Callable[..., _E], *, by: Account[Any] | str | None = None, **facts: Any) -> _E:
        """Return an event of now, from where the request came from.

        Args:
            event_class: Its class.
            by: Who acts, or their id; None is the system, or somebody who is not signed in.
            facts: What else the class wants to know.
        """
        actor_id = by.id if isinstance(by, Account) else by
        return event_class(at=self._clock(), actor_id=actor_id, client=client_of_request(), **facts)

    async def commit(
        self,
        store: Store[U],
        verb: Callable[[Store[U]], Awaitable[_R]],
        event_class: type[Event],
        make: Callable[[_R], Event | None],
        *,
        first: CommitStep[U] | None = None,
        part_of: MutableSequence[Event] | None = None,
    ) -> _R:
        """Return what the verb returns; with it are committed the event's before hooks and its line of the audit trail.

        Where there are none, it is the verb alone. If the verb changes nothing, nothing happens.

        Args:
            store: Where the verb acts.
            verb: One verb of the store it is given.
            event_class: The class of the event.
            make: Makes the event of what the verb returns; None where it changes nothing that is worth telling.
            first: What else is part of the same step, and comes before the hooks.
            part_of: Where to note the event, when the store is that of a larger step: it has not happened until that
                is committed, and whoever commits it says so.
        """
        hooks = [hook for each, hook in self._before if issubclass(event_class, each)]
        made: list[Event] = []

        async def step(commit: Commit[U]) -> None:
            if first is not None:
                await first(commit)
            made[:] = events_of(commit.result)
            for event in made:
                for hook in hooks:
                    await _call(hook, event, commit.session)
                await self._audit.keep(event, commit.store)

        def events_of(result: _R) -> Sequence[Event]:
            event = make(result)
            return () if event is None else (event,)

        is_alone = first is None and not hooks and not self._audit.keeps
        result = await verb(store if is_alone else store.before_commit(step))
        if not result:
            return result
        for event in events_of(result) if is_alone else made:
            if part_of is None:
                self.happened(event)
            else:
                part_of.append(event)
        return result

    async def record(self, event: Event, store: Store[U]) -> None:
        """Put an event on record that changes nothing in the store, and run its after hooks."""
        await self._audit.keep(event, store)
        self.happened(event)

    def happened(self, event: Event) -> None:
        """Log an event that is committed, and begin its after hooks."""
        self._audit.log(event)
        self._telemetry.happened(event)
        for each, hook in self._after:
            if isinstance(event, each):
                self._begin(hook, event)

    def _begin(self, hook: Hook, event: Event) -> None:
        try:
            self._background.start(f"hook {_name(hook)} after {event.name}", _call(hook, event))
        except StoreUnavailableException:  # what is committed stays so, and the client hears of it
            logger.error("A hook was left out, too much is waiting: %s after %s", _name(hook), event.name)  # noqa: TRY400


async def _call(hook: Hook, event: Event, *session: Any) -> None:
    result = hook(event, *session) if _takes(hook, 1 + len(session)) else hook(event)
    if inspect.isawaitable(result):
        await result


def _check_class(event_class: object) -> None:
    if inspect.isclass(event_class) and issubclass(event_class, Event):
        return
    if inspect.isroutine(event_class):  # without its event, it would be registered for none and never run
        raise ConfigurationError(
            f"The hook {_name(event_class)} needs the class of its event: write @auth.on(UserRegistered), or "
            "@auth.before(UserRegistered), with the class in parentheses."
        )
    raise ConfigurationError(f"{event_class!r} is no event: name a class of them, such as UserRegistered.")


def _registering(hooks: list[tuple[type[Event], Hook]], event_class: type[Event], *, takes: int) -> Callable[[_H], _H]:
    def register(hook: _H) -> _H:
        if not any(_takes(hook, count) for count in range(1, takes + 1)):
            said = "the event" if takes == 1 else "the event, and optionally the session of its transaction"
            raise ConfigurationError(f"The hook {_name(hook)} has to take {said}, and nothing else.")
        hooks.append((event_class, hook))
        return hook

    return register


def _takes(hook: Hook, count: int) -> bool:
    try:
        inspect.signature(hook).bind(*[None] * count)
    except TypeError:
        return False
    return True


def _name(hook: Hook) -> str:
    return str(getattr(hook, "__qualname__", hook))
