"""The clock that stands still until it is moved."""

from datetime import datetime, timedelta, timezone

from fastauth.testing import ManualClock


def test_the_clock_stands_until_it_is_moved() -> None:
    """The clock says the same moment again and again, and moves by exactly what it is told."""
    clock = ManualClock()
    start = clock()

    clock.move(timedelta(days=1, seconds=2))
    later = clock()
    clock.move(-timedelta(days=2))

    assert later == start + timedelta(days=1, seconds=2)
    assert clock() == clock() == start + timedelta(days=-1, seconds=2)


def test_the_clock_starts_at_the_present_moment_in_utc() -> None:
    """Without a start the clock stands at now, aware and in UTC."""
    before = datetime.now(timezone.utc)
    clock = ManualClock()

    assert before <= clock() <= datetime.now(timezone.utc)
    assert clock().utcoffset() == timedelta(0)


def test_the_clock_starts_where_it_is_told() -> None:
    """A given start is kept."""
    start = datetime(2031, 5, 6, tzinfo=timezone.utc)

    assert ManualClock(start)() == start


def test_the_clock_shows_utc_wherever_it_starts() -> None:
    """A start in another zone is the same moment in UTC, as a clock has to answer."""
    clock = ManualClock(datetime(2031, 5, 6, tzinfo=timezone(timedelta(hours=9))))

    assert clock().isoformat() == "2031-05-05T15:00:00+00:00"
