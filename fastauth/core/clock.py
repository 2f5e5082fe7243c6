"""Where the time comes from: one callable, so that a test can move it; and what moment a caller means."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeAlias

from fastauth.core.exceptions import ValidationException

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware ``datetime`` in UTC."""


def system_clock() -> datetime:
    """Return the present moment by the machine's clock, aware and in UTC."""
    return datetime.now(timezone.utc)


def moment_in_utc(moment: datetime, field: str) -> datetime:
    """Return a moment that a caller names, in UTC: not every database compares moments of several time zones.

    Args:
        moment: Aware, in any time zone.
        field: What the caller calls it.

    Raises:
        ValidationException: It names no time zone, so that nobody knows when it is; or no calendar has it in UTC.
    """
    if moment.utcoffset() is None:
        raise ValidationException.of(field, "A moment needs a time zone, as in datetime.now(timezone.utc).")
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValidationException.of(field, "In UTC, this is before the year 1 or after 9999.") from error
