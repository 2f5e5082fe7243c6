"""What a column may hold: as a Python type, as JSON, and as an id in a path."""

import re
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from annotated_types import Ge, Le, MaxLen
from pydantic import AwareDatetime, NaiveDatetime
from sqlalchemy import JSON, BigInteger, Column, DateTime, Enum, Integer, SmallInteger, String, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

KeyParser = Callable[[str], Any | None]
"""Turns an id into the value of the key's column, and what cannot be one into None."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")


def plain_type(column: Column[Any]) -> TypeEngine[Any]:
    """Return the stock type of the column, which a type of the app's or of SQLModel's may be wrapped around."""
    plain: TypeEngine[Any] = column.type
    while isinstance(plain, TypeDecorator):
        plain = plain.impl_instance
    return plain


def max_length(column: Column[Any]) -> int:
    """Return how many characters the column holds, as far as that matters to us."""
    plain = plain_type(column)
    return 255 if not isinstance(plain, String) or plain.length is None else plain.length


def annotation(column: Column[Any]) -> Any | None:
    """Return what Pydantic may take for the column's values, within its bounds; None where nobody knows."""
    known, plain = _python_type(column), plain_type(column)
    if isinstance(plain, JSON):
        known = Any
    elif isinstance(plain, DateTime):
        known = AwareDatetime if plain.timezone else NaiveDatetime
    elif isinstance(plain, Enum):
        known = plain.enum_class or Literal[tuple(plain.enums)]
    elif isinstance(plain, String) and known is str and plain.length is not None:
        known = Annotated[str, MaxLen(plain.length)]
    elif isinstance(plain, Integer) and known is int:
        lowest, highest = _integer_bounds(plain)
        known = Annotated[int, Ge(lowest), Le(highest)]
    return cast("Any", known) | None if known is not None and column.nullable else known


def key_parser(column: Column[Any]) -> tuple[type, KeyParser | None]:
    """Return the key's Python type, and what reads an id; None where a key of this type is not supported."""
    known, plain = _python_type(column), plain_type(column)
    if known is uuid.UUID:
        return uuid.UUID, _parse_uuid
    if known is str and isinstance(plain, Uuid):
        return str, _parse_uuid_text
    if known is str and isinstance(plain, String):
        limit = max_length(column)
        return str, lambda text: text if len(text) <= limit and _TEXT.fullmatch(text) else None
    if known is int and isinstance(plain, Integer):
        lowest, highest = _integer_bounds(plain)
        return int, lambda text: int(text) if _INTEGER.fullmatch(text) and lowest <= int(text) <= highest else None
    return known or object, None


def _python_type(column: Column[Any]) -> Any | None:
    # A type of the app's that turns values into something else has to say into what.
    speaks = column.type if _changes_values(column.type) else plain_type(column)
    try:
        known: Any = speaks.python_type
    except NotImplementedError:  # what SQLAlchemy 2.0 raises where 2.1 says object
        return None
    return None if known is object else known


def _changes_values(column_type: TypeEngine[Any]) -> bool:
    hooks = ("process_bind_param", "process_result_value", "bind_processor", "result_processor")
    return isinstance(column_type, TypeDecorator) and any(
        getattr(type(column_type), hook) is not getattr(TypeDecorator, hook) for hook in hooks
    )


def _integer_bounds(integer: Integer) -> tuple[int, int]:
    bits = 63 if isinstance(integer, BigInteger) else 15 if isinstance(integer, SmallInteger) else 31
    return -(2**bits), 2**bits - 1


def _parse_uuid(text: str) -> uuid.UUID | None:
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None  # uuid.UUID takes braces and URNs too


def _parse_uuid_text(text: str) -> str | None:
    value = _parse_uuid(text)
    return None if value is None else str(value)
