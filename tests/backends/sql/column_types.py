"""Column types as apps write them, around a stock one."""

import enum
import uuid
from datetime import datetime, timedelta
from typing import Any

from pydantic import UUID4
from sqlalchemy import DateTime, Interval, String, TypeDecorator


class Colour(enum.Enum):
    RED = "red"


class Wrapped(TypeDecorator[str]):
    """Changes nothing about the values, as the strings of SQLModel do not."""

    impl = String
    cache_ok = True


class Encoded(TypeDecorator[Any]):
    """Turns values into something else, and does not say into what."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value


class Silent(TypeDecorator[Any]):
    """Says that it does not know its Python type, as every type did in SQLAlchemy 2.0."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value

    @property
    def python_type(self) -> type[Any]:
        raise NotImplementedError


class Odd(TypeDecorator[object]):
    """Turns values into something that nobody else knows, and says so."""

    impl = String
    cache_ok = True
    python_type = Wrapped

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value


class GUID(TypeDecorator[uuid.UUID]):
    """Turns letters into a UUID, and says so."""

    impl = String
    cache_ok = True
    python_type = uuid.UUID

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return str(value)


class AnnotatedGUID(GUID):
    """A type whose Python type says more than the class, as Pydantic's do."""

    python_type = UUID4


class Moment(TypeDecorator[datetime]):
    """Sees to the zones of times by itself."""

    impl = DateTime(timezone=True)
    cache_ok = True
    python_type = datetime

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value


class Span(TypeDecorator[timedelta]):
    """Changes nothing about a span of time."""

    impl = Interval
    cache_ok = True
