"""Which of our routes an app has, and where; and routers that see at a glance that a path is none of theirs."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from fastauth.core.checks import wrong_kind
from fastauth.core.exceptions import ConfigurationError, CSRFException, FastAuthException
from fastauth.web.routing import AuthRoute, responses

_MARK = "fastauth_paths"
_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Selection:
    """What ``auth.setup`` was asked for. A route is called by the name of its handler, such as ``read_me``.

    Attributes:
        include: The routes to have; None is all of them.
        exclude: The routes not to have.
        paths: Other paths, by route.
        route_class: The class of the routes.
        cookies: Whether a cookie may sign in, and what it signs in is checked against cross-site requests.
        seen: The routes that were offered.
    """

    include: Collection[str] | None = None
    exclude: Collection[str] = ()
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    route_class: type[AuthRoute] = AuthRoute
    cookies: bool = False
    seen: set[str] = field(default_factory=set[str])

    def has(self, name: str) -> bool:
        """Say whether the app has this route."""
        self.seen.add(name)
        return (self.include is None or name in self.include) and name not in self.exclude

    def path_of(self, name: str, usual: str) -> str:
        """Return where the route is.

        Raises:
            ConfigurationError: The path that was asked for cannot be the route's.
        """
        path = self.paths.get(name, usual)
        if not path.startswith("/") or sorted(_PARAMETER.findall(path)) != sorted(_PARAMETER.findall(usual)):
            raise ConfigurationError(
                f"paths={{{name!r}: {path!r}}} has to begin with a slash, and to have the parameters of {usual!r}."
            )
        return path

    def unsafe(self, *errors: type[FastAuthException]) -> dict[int | str, dict[str, Any]]:
        """Return the documentation of the errors of a route that changes something for who is, or gets, signed in."""
        return responses(*errors, *((CSRFException,) if self.cookies else ()))

    def unknown(self) -> Collection[str]:
        """Return the names that no route has."""
        return sorted({*(self.include or ()), *self.exclude, *self.paths} - self.seen)


class SievedRouter(APIRouter):
    """A router that compares one path with all of its routes only where one of them may fit.

    The framework asks route after route, in the order in which they were added, and an app mostly adds its own after
    ours: each request for them would be compared with some thirty patterns before.

    Args:
        options: Those of any router.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._parts: list[tuple[str, APIRouter]] = [("", self)]
        self._sieve: tuple[int, re.Pattern[str]] = (-1, re.compile(""))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a route of this router matches, as any router does."""
        size = sum(len(router.routes) for _, router in self._parts)
        if size != self._sieve[0]:  # an app may add routes of its own to one of ours, at any time
            self._sieve = (size, _sieve(self._parts))
        # Wherever an app is mounted, what a route is compared with is the end of this path. So a path without the
        # beginning of any of the routes in it matches none; one that has it may or may not.
        if self._sieve[1].search(scope["path"]) is None:
            return Match.NONE, {}
        return super().matches(scope)


class AuthRouter(SievedRouter):
    """A router of ours, with the selected routes only.

    Args:
        selection: Which, and where.
        tag: What OpenAPI calls the group.
    """

    def __init__(self, selection: Selection, *, tag: str) -> None:
        super().__init__(route_class=selection.route_class, tags=[tag])
        self._selection = selection

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route if it is selected; every way to declare one leads here."""
        name = options.get("name") or endpoint.__name__
        if self._selection.has(name):
            super().add_api_route(self._selection.path_of(name, path), endpoint, **options)


class WholeRouter(SievedRouter):
    """A router of routers, which has one look at a path for all of them.

    Args:
        parts: Each router, and what its paths begin with.
    """

    def __init__(self, parts: Iterable[tuple[str, APIRouter]]) -> None:
        super().__init__()
        self._parts = list(parts)
        for prefix, router in self._parts:
            self.include_router(router, prefix=prefix)


def check_app(app: object) -> None:
    """Refuse what is no app to add routes to: nothing, a router, or one of another framework.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(app, FastAPI):
        raise wrong_kind("app", "the app, as made by FastAPI()", app)


def claim_paths(app: FastAPI, parts: Iterable[tuple[str, APIRouter]]) -> None:
    """Note where the routes of ours are going to be in an app, and refuse one that would be behind another.

    Of two routes in one place the first answers, and nobody hears of the second: a path given twice, routes added
    twice, or those of two ``FastAuth`` without a prefix to tell them apart.

    Args:
        app: The app.
        parts: Each router, and what its paths begin with.

    Raises:
        ConfigurationError: Two routes have one path and one method.
    """
    before: dict[tuple[str, str], str] = getattr(app.state, _MARK, {})
    claimed = dict(before)
    routes = ((prefix, route) for prefix, router in parts for route in router.routes if isinstance(route, APIRoute))
    for prefix, route in routes:
        path = prefix + route.path
        for method in route.methods or ():
            place = (method, _PARAMETER.sub("{}", path))
            if place in before:
                raise ConfigurationError(
                    f"The app has {method} {path} already, from another call of auth.setup: call it once for an app, "
                    "or with another prefix."
                )
            if place in claimed:
                raise ConfigurationError(
                    f"{method} {path} would be both {claimed[place]} and {route.name}: give one of them another path."
                )
            claimed[place] = route.name
    setattr(app.state, _MARK, claimed)


def _sieve(parts: Iterable[tuple[str, APIRouter]]) -> re.Pattern[str]:
    # What is no route with a path may match anything, and begins with nothing.
    paths = (prefix + getattr(route, "path", "") for prefix, router in parts for route in router.routes)
    beginnings: list[str] = []
    for beginning in sorted(path.partition("{")[0] for path in paths):
        if not beginnings or not beginning.startswith(beginnings[-1]):
            beginnings.append(beginning)
    return re.compile("|".join(map(re.escape, beginnings)))
