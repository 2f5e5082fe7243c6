"""What the backends of databases have in common: ids in paths, prefixes of names, times, and what travels."""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, Literal, cast

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

from fastauth.core.exceptions import ConfigurationError, ErrorDetail, ValidationException

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


def check_known(names: Iterable[str], knows: Callable[[str], bool]) -> None:
    """Refuse values for what the user model has not, or is not given that way.

    Raises:
        ValidationException: It has no such field.
    """
    for name in names:
        if not knows(name):
            raise ValidationException.of(name, f"The user model has no field {name!r}.", "extra_forbidden")


def json_schema(
    attribute: str, annotation: Any, *, mode: Literal["validation", "serialization"] = "validation"
) -> dict[str, Any]:
    """Return the JSON Schema of a type, as it is sent or as it is answered.

    Args:
        attribute: What is of this type, for the error.
        annotation: The type.
        mode: Which of the two.

    Raises:
        ConfigurationError: JSON has nothing for it.
    """
    try:
        return TypeAdapter[Any](annotation).json_schema(mode=mode)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ConfigurationError(f"{attribute}: the type {annotation!r} cannot travel as JSON.") from error


def check_travels(attribute: str, annotation: Any, option: str) -> None:
    """Refuse a type whose values cannot all be answered as JSON.

    Args:
        attribute: What is of this type.
        annotation: The type of what is answered.
        option: Where the attribute is named.

    Raises:
        ConfigurationError: JSON has nothing for it; or bytes are in it, which only some of are text.
    """
    if _has_bytes(json_schema(attribute, annotation, mode="serialization")):
        raise ConfigurationError(
            f"{option}: {attribute} holds bytes, which JSON has nothing for. Leave it out, and answer it by a route of "
            "your own; or have its type make text of the bytes, such as base64."
        )


def _has_bytes(schema: object) -> bool:
    if isinstance(schema, list):
        return any(map(_has_bytes, cast("list[object]", schema)))
    if not isinstance(schema, dict):
        return False
    members = cast("dict[str, object]", schema)
    return members.get("format") == "binary" or any(map(_has_bytes, members.values()))


def missing_value(name: str) -> ErrorDetail:
    """Return what to say about a field that a new user must be given, and was not."""
    return ErrorDetail(loc=["body", name], msg=f"The user model needs a value for {name!r}.", type="missing")


def refusal(details: Sequence[ErrorDetail]) -> ValidationException:
    """Return the error for values that do not fit; what is missing is in its message, as a script sees no more."""
    missing = " ".join(each["msg"] for each in details if each["type"] == "missing")
    return ValidationException(missing or None, details=details)


def in_utc(moment: datetime) -> datetime:
    """Return a time that was read from a database; what we wrote was UTC, and not every database or driver says so."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
