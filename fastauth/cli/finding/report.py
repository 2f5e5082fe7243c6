"""What was found, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field

ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Found:
    """One value, and where it stands.

    Attributes:
        value: The value itself; it may be a secret.
        source: A path from the project's folder, or ``environment``.
        line: The line in the file; None for the environment.
        name: What it is called there.
    """

    value: str = field(repr=False)
    source: str
    line: int | None
    name: str

    @property
    def place(self) -> str:
        """Where it stands, as people say it."""
        where = f"the {ENVIRONMENT}" if self.source == ENVIRONMENT else f"{self.source}:{self.line}"
        return f"{where} ({self.name})"

    @property
    def spot(self) -> tuple[str, int | None]:
        """Where it stands, to tell one place from another."""
        return self.source, self.line


@dataclass(frozen=True)
class Report:
    """All that was found; of each kind, the first counts.

    Attributes:
        urls: Database URLs.
        secrets: Secret keys.
        databases: Names of MongoDB databases.
        auths: Where a ``FastAuth`` is made; the value is how to name it, as ``main:auth``.
        user_models: Where a store is made with a user class of the app's own; the value is the class's name.
        options: What a ``FastAuth`` is told of production and cookies, as written; the name is the option's.
        notes: What could not be read or decided, one sentence each.
    """

    urls: Sequence[Found] = ()
    secrets: Sequence[Found] = ()
    databases: Sequence[Found] = ()
    auths: Sequence[Found] = ()
    user_models: Sequence[Found] = ()
    options: Sequence[Found] = ()
    notes: Sequence[str] = ()
