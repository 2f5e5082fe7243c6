"""Where mails arrive in tests, and how a test waits until they have."""

from typing import Any

from fastauth import FastAuth, Notification, NotificationKind


class Outbox:
    """A notifier that keeps what it is given.

    Attributes:
        sent: What was to be sent, in that order.
    """

    def __init__(self) -> None:
        self.sent: list[Notification] = []

    async def notify(self, notification: Notification, /) -> None:
        """Keep the notification."""
        self.sent.append(notification)

    def last(self, kind: str) -> Notification:
        """Return the latest notification of a kind."""
        return next(each for each in reversed(self.sent) if each.kind is NotificationKind(kind))

    def token(self, kind: str) -> str:
        """Return the token of the latest notification of a kind."""
        token = self.last(kind).token
        assert token is not None
        return token

    def told(self) -> list[tuple[str, str]]:
        """Return what was told to whom, and begin anew."""
        told = [(each.kind.value, each.to) for each in self.sent]
        self.sent.clear()
        return told


async def settle(auth: FastAuth[Any]) -> None:
    """Wait until what goes on behind the answers is done."""
    await auth._background.drain()
