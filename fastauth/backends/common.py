"""What the backends of databases have in common: ids in paths, prefixes of names, times, and what a user needs."""

import re
import uuid
from datetime import datetime, timezone

from fastauth.core.exceptions import ConfigurationError

NEEDED = ("username", "email", "hashed_password", "disabled")
"""What every user class has, besides its key."""

HASH_LENGTH = 97
"""How many characters a stored hash may have: the longest in common use is Argon2id's; ours has 83."""

DEFAULT_PREFIX = "fastauth_"
"""What the names of our tables and collections begin with."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
# The names of our constraints begin with it too, and databases bound them at 63 characters.
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)


def parse_integer(text: str, bits: int) -> int | None:
    """Return the number, if it fits into a signed integer of so many bits."""
    if not _INTEGER.fullmatch(text):
        return None
    limit = 2 ** (bits - 1)
    return int(text) if -limit <= int(text) < limit else None


def parse_text(text: str) -> str | None:
    """Return the text, if databases can keep and compare it as a key."""
    return text if _TEXT.fullmatch(text) else None


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID, if it is written in the usual way."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None  # uuid.UUID takes braces and URNs too


def checked_prefix(option: str, prefix: str) -> str:
    """Return the prefix.

    Raises:
        ConfigurationError: A name cannot begin with it in every database.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ConfigurationError(
            f"{option}={prefix!r}: use at most 30 lower-case letters, digits and underscores, beginning with a letter, "
            "as in 'auth_'."
        )
    return prefix


def in_utc(moment: datetime) -> datetime:
    """Return a time that was read from a database; what we wrote was UTC, and not every database or driver says so."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
