"""Routers that see at a glance that a path is none of theirs, and cost the app's own routes next to nothing."""

import re
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


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


def _sieve(parts: Iterable[tuple[str, APIRouter]]) -> re.Pattern[str]:
    # What is no route with a path may match anything, and begins with nothing.
    paths = (prefix + getattr(route, "path", "") for prefix, router in parts for route in router.routes)
    beginnings: list[str] = []
    for beginning in sorted(path.partition("{")[0] for path in paths):
        if not beginnings or not beginning.startswith(beginnings[-1]):
            beginnings.append(beginning)
    return re.compile("|".join(map(re.escape, beginnings)))
