"""Telling people what happened to their account, off the answer's path."""

import logging
from datetime import timedelta
from typing import Any

import anyio

from fastauth.core.clock import Clock
from fastauth.core.exceptions import ConfigurationError, StoreUnavailableException
from fastauth.core.models import Account
from fastauth.core.notifications import Notification, NotificationKind
from fastauth.core.protocols import Notifier
from fastauth.core.settings import LinkSettings
from fastauth.services.background import Background

logger: logging.Logger = logging.getLogger("fastauth")


class Notices:
    """Makes notifications and hands them to the notifier.

    Args:
        notifier: Puts them into words and sends them; None sends nothing.
        base_url: What links begin with: the address of the app's pages, never that of a request (CVE-2026-48710).
        links: The paths of the pages that links lead to.
        background: Where the sending is done.
        clock: The time.
    """

    def __init__(
        self,
        notifier: Notifier | None,
        *,
        base_url: str | None,
        links: LinkSettings,
        background: Background,
        clock: Clock,
    ) -> None:
        self._notifier = notifier
        self._base_url = base_url.rstrip("/") if base_url is not None else None
        self._paths = {
            NotificationKind.VERIFY_EMAIL: links.verify_email,
            NotificationKind.RESET_PASSWORD: links.reset_password,
            NotificationKind.CONFIRM_EMAIL_CHANGE: links.change_email,
        }
        self._timeout = links.timeout.total_seconds()
        self._background = background
        self._clock = clock

    @property
    def enabled(self) -> bool:
        """Whether anything is sent at all."""
        return self._notifier is not None

    def require(self) -> None:
        """Refuse a flow that cannot work without a mail.

        Raises:
            ConfigurationError: There is no notifier.
        """
        if self._notifier is None:
            raise ConfigurationError("This needs a notifier: pass FastAuth(notifier=...), such as an SMTPNotifier.")

    def send(
        self,
        kind: NotificationKind,
        account: Account[Any],
        *,
        to: str | None = None,
        token: str | None = None,
        expires_in: timedelta | None = None,
        new_email: str | None = None,
    ) -> None:
        """Tell the owner of the account, in the background.

        Args:
            kind: What it is about.
            account: Whose account it is about.
            to: The address; by default the account's own.
            token: What the link carries.
            expires_in: How long the token is good for.
            new_email: The new address, where it is about that.
        """
        self.send_to(
            kind, to or account.email, account.username, token=token, expires_in=expires_in, new_email=new_email
        )

    def send_to(
        self,
        kind: NotificationKind,
        to: str,
        username: str,
        *,
        token: str | None = None,
        expires_in: timedelta | None = None,
        new_email: str | None = None,
    ) -> None:
        """Tell somebody who may have no account, in the background."""
        if self._notifier is None:
            return
        notification = Notification(
            kind=kind,
            to=to,
            username=username,
            occurred_at=self._clock(),
            token=token,
            link=self._link(kind, token),
            expires_in=expires_in,
            new_email=new_email,
        )
        try:
            self._background.start(f"notification {kind.value}", self._notify(self._notifier, notification))
        except StoreUnavailableException:  # what it tells of has happened, and the client hears of that
            logger.error("A notification was left out, too much is waiting: %s", kind.value)  # noqa: TRY400

    def _link(self, kind: NotificationKind, token: str | None) -> str | None:
        if token is None or self._base_url is None:
            return None
        return self._base_url + self._paths[kind].format(token=token)

    async def _notify(self, notifier: Notifier, notification: Notification) -> None:
        try:
            with anyio.fail_after(self._timeout):
                await notifier.notify(notification)
        except Exception as error:  # noqa: BLE001  # nobody waits for it; and its text may quote the mail and its token
            logger.error("A notification could not be sent: %s, %s", notification.kind.value, type(error).__name__)  # noqa: TRY400
