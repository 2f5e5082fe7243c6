"""What people are told: the secret of a link stays out of every representation."""

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest

from fastauth import Notification, NotificationKind

NOTIFICATION = Notification(
    kind=NotificationKind.RESET_PASSWORD,
    to="ada@example.com",
    username="ada",
    occurred_at=datetime(2026, 1, 2, tzinfo=timezone.utc),
    token="the-token",
    link="https://app.example/reset#the-token",
    expires_in=timedelta(hours=1),
)


def test_neither_the_token_nor_the_link_is_shown() -> None:
    """A notification in a log line gives nobody a way in."""
    shown = f"{NOTIFICATION!r} {NOTIFICATION}"

    assert "the-token" not in shown
    assert "ada@example.com" in shown


def test_a_notification_is_frozen() -> None:
    """Nobody changes whom a notification goes to once it is made."""
    with pytest.raises(FrozenInstanceError):
        NOTIFICATION.to = "mallory@example.com"  # type: ignore[misc]


def test_a_kind_is_its_own_name() -> None:
    """A kind is a plain string too: the name of its template, and of its line in a log."""
    assert {kind.value for kind in NotificationKind} == {kind.name.lower() for kind in NotificationKind}
    assert NotificationKind("verify_email") is NotificationKind.VERIFY_EMAIL
