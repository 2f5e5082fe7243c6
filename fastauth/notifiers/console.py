"""For development: notifications as text on the error stream, with the link that a mail would carry."""

import sys
from typing import TextIO

from fastauth.core.notifications import Notification


class ConsoleNotifier:
    """Prints what would be sent, link included: whoever reads the console can follow it. Never for production.

    Args:
        stream: Where to print; None is the error stream of the moment.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def notify(self, notification: Notification, /) -> None:
        """Print the notification."""
        lines = [f"To: {notification.to}", f"About: {notification.username}, {notification.kind.value}"]
        if notification.new_email is not None:
            lines.append(f"New address: {notification.new_email}")
        if notification.link is not None:
            lines.append(f"Link: {notification.link}")
        elif notification.token is not None:
            lines.append(f"Token: {notification.token}")
        if notification.expires_in is not None:
            lines.append(f"Good for: {notification.expires_in}")
        print("--- mail", *lines, "---", sep="\n", file=self._stream or sys.stderr, flush=True)
