"""A telemetry that keeps what it is told."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from fastauth.core.events import Event
from fastauth.core.telemetry import RefreshOutcome


class Recorder:
    """Keeps what it is told, each as a tuple whose first item says what it is about.

    Attributes:
        told: What it was told, in that order.
    """

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def about(self, *subjects: str) -> list[tuple[object, ...]]:
        """Return what it was told about these subjects."""
        return [each for each in self.told if each[0] in subjects]

    def happened(self, event: Event, /) -> None:
        self.told.append(("event", event.name))

    def refreshed(self, outcome: RefreshOutcome, /) -> None:
        self.told.append(("refresh", outcome))

    def token_rejected(self, reason: str, /) -> None:
        self.told.append(("rejection", reason))

    def rate_limited(self, route: str, /) -> None:
        self.told.append(("limit", route))

    def store_called(self, verb: str, seconds: float, outcome: str, /) -> None:
        assert seconds >= 0
        self.told.append(("store", verb, outcome))

    def password_hashed(self, work: Literal["hash", "verify"], waited: float, worked: float, /) -> None:
        assert min(waited, worked) >= 0
        self.told.append(("password", work))

    def passwords_waiting(self, change: Literal[1, -1], /) -> None:
        self.told.append(("waiting", change))

    @contextmanager
    def span(self, name: str, /) -> Generator[None, None, None]:
        self.told.append(("begin", name))
        try:
            yield
        finally:
            self.told.append(("end", name))
