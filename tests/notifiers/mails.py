"""One notification of each kind, as the account flows make them."""

from datetime import datetime, timedelta, timezone
from typing import Any

from fastauth import Notification, NotificationKind

TOKEN = "s3cr3t-token"
LINK = f"https://app.example.com/page?token={TOKEN}&lang=en"
ASKING = {NotificationKind.VERIFY_EMAIL, NotificationKind.RESET_PASSWORD, NotificationKind.CONFIRM_EMAIL_CHANGE}


def notification(kind: NotificationKind, **values: Any) -> Notification:
    """Return a notification of this kind to ``ada@example.com``."""
    asked: dict[str, Any] = {"token": TOKEN, "link": LINK, "expires_in": timedelta(hours=24)} if kind in ASKING else {}
    changed = {"new_email": "countess@example.com"} if "change" in kind.value and "email" in kind.value else {}
    common = {
        "to": "ada@example.com",
        "username": "ada",
        "occurred_at": datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc),
    }
    return Notification(kind=kind, **{**common, **asked, **changed, **values})
