"""What people are told by mail or another way: facts and no words; a notifier puts them into words and sends them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum


class NotificationKind(str, Enum):
    """What happened, or what somebody has asked for. The value is also the name of the mail's template.

    Attributes:
        VERIFY_EMAIL: Prove that the address is yours; with a link.
        RESET_PASSWORD: Choose a new password; with a link.
        CONFIRM_EMAIL_CHANGE: Prove that the *new* address is yours; goes to the new address, with a link.
        ALREADY_REGISTERED: Somebody tried to register with an address that has an account.
        USERNAME_TAKEN: The owner of this address tried to register with a username that somebody has.
        REGISTRATION_REFUSED: The owner of this address tried to register with something else that another account has,
            or that the database refuses.
        PASSWORD_CHANGED: The password was changed or reset.
        EMAIL_CHANGED: The address was changed; goes to the old address.
        EMAIL_CHANGE_REQUESTED: A change of the address was asked for; goes to the old address.
        ACCOUNT_DELETED: The account is gone.
    """

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    CONFIRM_EMAIL_CHANGE = "confirm_email_change"
    ALREADY_REGISTERED = "already_registered"
    USERNAME_TAKEN = "username_taken"
    REGISTRATION_REFUSED = "registration_refused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    ACCOUNT_DELETED = "account_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to tell one person.

    Attributes:
        kind: What it is about.
        to: The address it goes to, in canonical form; always one that is stored, or that is to be confirmed.
        username: Whom it is about.
        occurred_at: When it happened, in UTC.
        token: The secret that the link carries, for apps that make a link of their own; None where nothing is asked.
        link: Where to click; None where nothing is asked, or where the app has named no page for it.
        expires_in: How long the token is good for.
        new_email: The new address, where the notification is about a change of it.
    """

    kind: NotificationKind
    to: str
    username: str
    occurred_at: datetime
    token: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    expires_in: timedelta | None = None
    new_email: str | None = None
