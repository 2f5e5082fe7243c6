"""A clock that stands still until it is moved."""

from datetime import datetime, timedelta

from fastauth.core.clock import moment_in_utc, system_clock


class ManualClock:
    """Pass it as ``FastAuth(clock=...)``, and move it instead of waiting.

    Args:
        now: Where it starts, in any time zone, but in one; by default at the present moment.

    Raises:
        ValidationException: ``now`` names no time zone.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now: datetime = system_clock() if now is None else moment_in_utc(now, "now")

    def __call__(self) -> datetime:
        """Return where the clock stands."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Move the clock on, or back."""
        self.now += by
