"""What a MongoDB client sends, as its driver tells."""

from typing import Any

from pymongo.monitoring import CommandListener, CommandStartedEvent


class Wire(CommandListener):
    """Keeps every command that is sent, with its name."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Keep it."""
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: Any) -> None:
        """Do nothing."""

    def failed(self, event: Any) -> None:
        """Do nothing."""
