"""Where the time comes from: one callable, so that a test can move it."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware ``datetime`` in UTC."""


def system_clock() -> datetime:
    """Return the present moment by the machine's clock, aware and in UTC."""
    return datetime.now(timezone.utc)
