"""What a column may hold: as a Python type, as JSON, and as an id in a path."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import AfterValidator, AwareDatetime, FiniteFloat, NaiveDatetime
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Enum,
    Integer,
    Interval,
    SmallInteger,
    String,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from fastauth.backends.common import parse_integer, parse_text, parse_uuid

KeyParser = Callable[[str], Any | None]
"""Turns an id into the value of the key's column, and what cannot be one into None."""


def plain_type(column: Column[Any]) -> TypeEngine[Any]:
    """Return the stock type of the column, which a type of the app's or of SQLModel's may be wrapped around."""
    plain: TypeEngine[Any] = column.type
    # An Interval is one around a DateTime, for the databases that have no type for it, and is no time itself.
    while isinstance(plain, TypeDecorator) and not isinstance(plain, Interval):
        plain = plain.impl_instance
    return plain


def max_length(column: Column[Any]) -> int:
    """Return how many characters the column holds, as far as that matters to us."""
    plain = plain_type(column)
    return 255 if not isinstance(plain, String) or plain.length is None else plain.length


def stored_type(column: Column[Any]) -> Any | None:
    """Return what Pydantic may take for what the column gives back; None where nobody knows."""
    known, plain = _python_type(column), plain_type(column)
    if isinstance(plain, JSON):
        known = Any
    elif isinstance(plain, Enum):
        known = plain.enum_class or Literal[tuple(plain.enums)]
    return _optional(known, column)


def annotation(column: Column[Any]) -> Any | None:
    """Return what Pydantic may take for a new value of the column, within its bounds; None where nobody knows."""
    known, plain = _python_type(column), plain_type(column)
    if isinstance(plain, DateTime) and known is datetime and not _changes_values(column.type):
        known = AwareDatetime if plain.timezone else NaiveDatetime
    elif isinstance(plain, String) and known is str and plain.length is not None and not isinstance(plain, Enum):
        known = Annotated[str, MaxLen(plain.length)]
    elif isinstance(plain, Integer) and known is int:
        limit = 2 ** (_bits(plain) - 1)
        known = Annotated[int, Ge(-limit), Le(limit - 1)]
    elif known is float:
        known = FiniteFloat  # as JSON has no others
    elif isinstance(plain, JSON):
        known = Annotated[Any, AfterValidator(not_null)]
    else:
        return stored_type(column)
    return _optional(known, column)


def not_null(value: Any) -> Any:
    """Return the value; JSON's null is one to the database, which takes it where a column is ``NOT NULL``.

    Raises:
        ValueError: It is None.
    """
    if value is None:
        raise ValueError("This cannot be null.")
    return value


def is_in_utc(column: Column[Any]) -> bool:
    """Say whether the column's times know their zone, though not every database keeps it."""
    plain = plain_type(column)
    return isinstance(plain, DateTime) and plain.timezone and not _changes_values(column.type)


def key_parser(column: Column[Any]) -> tuple[type, KeyParser | None]:
    """Return the key's Python type, and what reads an id; None where a key of this type is not supported."""
    known, plain = _python_type(column), plain_type(column)
    if known is uuid.UUID:
        return uuid.UUID, parse_uuid
    if known is str and isinstance(plain, Uuid):
        return str, _parse_uuid_text
    if known is str and isinstance(plain, String):
        limit = max_length(column)
        return str, lambda text: parse_text(text) if len(text) <= limit else None
    if known is int and isinstance(plain, Integer):
        bits = _bits(plain)
        return int, lambda text: parse_integer(text, bits)
    return known or object, None


def _python_type(column: Column[Any]) -> Any | None:
    # A type of the app's that turns values into something else has to say into what.
    speaks = column.type if _changes_values(column.type) else plain_type(column)
    try:
        known: Any = speaks.python_type
    except NotImplementedError:  # what SQLAlchemy 2.0 raises where 2.1 says object
        return None
    if get_origin(known) is Annotated:  # such as Pydantic's UUID4, which the key of fastapi-users says
        known = get_args(known)[0]
    return None if known is object else known


def _optional(known: Any, column: Column[Any]) -> Any:
    return known | None if known is not None and column.nullable else known


def _changes_values(column_type: TypeEngine[Any]) -> bool:
    hooks = ("process_bind_param", "process_result_value", "bind_processor", "result_processor")
    return isinstance(column_type, TypeDecorator) and any(
        getattr(type(column_type), hook) is not getattr(TypeDecorator, hook) for hook in hooks
    )


def _bits(integer: Integer) -> int:
    return 64 if isinstance(integer, BigInteger) else 16 if isinstance(integer, SmallInteger) else 32


def _parse_uuid_text(text: str) -> str | None:
    value = parse_uuid(text)
    return None if value is None else str(value)
