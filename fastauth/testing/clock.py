"""A clock that stands still until it is moved."""

from datetime import datetime, timedelta, timezone


class ManualClock:
    """Pass it as ``FastAuth(clock=...)``, and move it instead of waiting.

    Args:
        now: Where it starts; by default at the present moment.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now: datetime = now or datetime.now(timezone.utc)

    def __call__(self) -> datetime:
        """Return where the clock stands."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Move the clock on, or back."""
        self.now += by
