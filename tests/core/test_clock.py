"""Where the time comes from, and what moment a caller means."""

from datetime import datetime, timedelta, timezone

import pytest

from fastauth.core.clock import moment_in_utc, system_clock
from fastauth.core.exceptions import ValidationException

TOKYO = timezone(timedelta(hours=9))


def test_the_system_clock_tells_the_present_moment_in_utc() -> None:
    """The time is aware, in UTC, and lies between what the machine says before and after."""
    before = datetime.now(timezone.utc)
    now = system_clock()
    after = datetime.now(timezone.utc)

    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)


def test_a_moment_is_brought_to_utc() -> None:
    """The moment stays the same, and shows the time of day that it has in UTC."""
    moment = moment_in_utc(datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=TOKYO), "since")

    assert moment.isoformat() == "2031-05-05T22:08:09.123456+00:00"


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (datetime(2031, 5, 6, tzinfo=TOKYO).replace(tzinfo=None), "needs a time zone"),
        (datetime.min.replace(tzinfo=TOKYO), "before the year 1"),
    ],
)
def test_what_nobody_can_place_is_refused_by_its_name(moment: datetime, why: str) -> None:
    """Without a zone, or out of the calendar, it is no moment; the error names the field."""
    with pytest.raises(ValidationException, match=why) as error:
        moment_in_utc(moment, "since")

    assert error.value.details[0]["loc"] == ["body", "since"]
