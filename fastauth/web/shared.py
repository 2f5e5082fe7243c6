"""What an app has once, however many ``FastAuth`` are set up in it: its public keys, and its metrics."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.keys import KeyRing
from fastauth.core.telemetry import Exposition
from fastauth.web.routes.keys import key_routes
from fastauth.web.routes.metrics import metrics_routes

_MARK = "fastauth_shared"


class Shared:
    """The places without a prefix of an app, and what is told there."""

    def __init__(self) -> None:
        self._keys: list[dict[str, str]] = []
        self._exposition: Exposition | None = None

    @classmethod
    def of(cls, app: FastAPI) -> "Shared":
        """Return what the ``FastAuth`` of an app share."""
        if not hasattr(app.state, _MARK):
            setattr(app.state, _MARK, cls())
        shared: Shared = getattr(app.state, _MARK)
        return shared

    def routers(self, ring: KeyRing, exposition: Exposition | None) -> Sequence[APIRouter]:
        """Return the routers that the app still needs for one ``FastAuth`` more.

        Args:
            ring: Its keys.
            exposition: Its metrics, where they are to be read.

        Raises:
            ConfigurationError: Its keys or its metrics cannot be told in one place with those of another.
        """
        keys, known = ring.public_jwks(), {key["kid"]: key for key in self._keys}
        for key in keys:
            if known.get(key["kid"], key) != key:
                raise ConfigurationError(
                    f"The app publishes another key {key['kid']!r} already, of another FastAuth: give each its own kid."
                )
        routers: list[APIRouter] = []
        if exposition is not None and self._exposition is None:
            routers.append(metrics_routes(exposition))
        elif exposition not in (None, self._exposition):
            raise ConfigurationError(
                "The app has GET /metrics already, of another telemetry: pass each FastAuth of the app the same "
                "PrometheusTelemetry; or have them count in one registry, and say metrics=True for one of them."
            )
        if keys and not self._keys:
            routers.append(key_routes(self._keys))
        return routers

    def add(self, ring: KeyRing, exposition: Exposition | None) -> None:
        """Tell the keys and the metrics of one ``FastAuth`` more."""
        self._keys.extend(key for key in ring.public_jwks() if key not in self._keys)
        if exposition is not None:
            self._exposition = exposition
