"""Where the time comes from."""

from datetime import datetime, timedelta, timezone

from fastauth.core.clock import system_clock


def test_the_system_clock_tells_the_present_moment_in_utc() -> None:
    """The time is aware, in UTC, and lies between what the machine says before and after."""
    before = datetime.now(timezone.utc)
    now = system_clock()
    after = datetime.now(timezone.utc)

    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)
