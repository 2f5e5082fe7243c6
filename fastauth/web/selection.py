"""Which of our routes an app has, and where."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastauth.core.exceptions import ConfigurationError
from fastauth.web.routing import AuthRoute
from fastauth.web.sieve import SievedRouter

_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Selection:
    """What ``auth.setup`` was asked for. A route is called by the name of its handler, such as ``read_me``.

    Attributes:
        include: The routes to have; None is all of them.
        exclude: The routes not to have.
        paths: Other paths, by route.
        route_class: The class of the routes.
        seen: The routes that were offered.
    """

    include: Collection[str] | None = None
    exclude: Collection[str] = ()
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    route_class: type[AuthRoute] = AuthRoute
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

    def unknown(self) -> Collection[str]:
        """Return the names that no route has."""
        return sorted({*(self.include or ()), *self.exclude, *self.paths} - self.seen)


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
