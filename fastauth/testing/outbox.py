"""A notifier that keeps what it is given, for tests of an app's own flows."""

from collections.abc import Iterator

from fastauth.core.notifications import Notification, NotificationKind


class Outbox:
    """Pass it as the app's notifier, and read from it what would have been sent; the oldest comes first."""

    def __init__(self) -> None:
        self._sent: list[Notification] = []

    async def notify(self, notification: Notification, /) -> None:
        """Keep the notification."""
        self._sent.append(notification)

    def __iter__(self) -> Iterator[Notification]:
        return iter(tuple(self._sent))

    def __len__(self) -> int:
        return len(self._sent)

    def latest(self, *, to: str | None = None, kind: NotificationKind | str | None = None) -> Notification:
        """Return the last notification to this address and of this kind.

        Args:
            to: The address; None is any.
            kind: The kind; None is any.

        Raises:
            LookupError: There is none; the message says what there is.
        """
        for notification in reversed(self._sent):
            if to in {None, notification.to} and (kind is None or notification.kind == kind):
                return notification
        there = ", ".join(f"{each.kind.value} to {each.to}" for each in self._sent) or "nothing"
        raise LookupError(f"Nothing of that kind was sent to {to or 'anybody'}; the outbox holds {there}.")

    def clear(self) -> None:
        """Forget what was sent."""
        self._sent.clear()
