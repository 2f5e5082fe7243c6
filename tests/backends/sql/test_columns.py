"""What a column says: what JSON may hold for it, what has to be given, and what can be an id."""

import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Le, MaxLen
from pydantic import AfterValidator, AwareDatetime, FiniteFloat, NaiveDatetime
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Computed,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    SmallInteger,
    String,
    Text,
    Uuid,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    mapped_column,
)
from sqlalchemy.types import TypeEngine

from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.columns import not_null
from fastauth.core.user_schema import UserField
from tests.backends.sql.column_types import GUID, AnnotatedGUID, Colour, Moment, Span, Wrapped
from tests.backends.sql.conftest import Defined

ENGINE = create_async_engine("sqlite+aiosqlite://")


@pytest.mark.parametrize(
    ("column_type", "annotation", "shown"),
    [
        (String(30), Annotated[str, MaxLen(30)], str),
        (Wrapped(30), Annotated[str, MaxLen(30)], str),
        (GUID(36), uuid.UUID, uuid.UUID),
        (AnnotatedGUID(36), uuid.UUID, uuid.UUID),
        (Text(), str, str),
        (Integer(), Annotated[int, Ge(-(2**31)), Le(2**31 - 1)], int),
        (SmallInteger(), Annotated[int, Ge(-(2**15)), Le(2**15 - 1)], int),
        (BigInteger(), Annotated[int, Ge(-(2**63)), Le(2**63 - 1)], int),
        (Boolean(), bool, bool),
        (Date(), date, date),
        (DateTime(), NaiveDatetime, datetime),
        (DateTime(timezone=True), AwareDatetime, datetime),
        (Moment(), datetime, datetime),
        (Interval(), timedelta, timedelta),
        (Span(), timedelta, timedelta),
        (Uuid(), uuid.UUID, uuid.UUID),
        (JSON(), Annotated[Any, AfterValidator(not_null)], Any),
        (Float(), FiniteFloat, float),
        (Enum(Colour), Colour, Colour),
        (Enum("red", "blue"), Literal["red", "blue"], Literal["red", "blue"]),
    ],
    ids=lambda value: repr(value) if isinstance(value, TypeEngine) else None,
)
def test_a_column_says_what_json_may_hold(
    model: Defined, column_type: TypeEngine[Any], annotation: Any, shown: Any
) -> None:
    """A field takes the Python type of its column within the column's bounds, and shows whatever is of that type."""
    fields = {
        "needed": mapped_column(column_type, nullable=False),
        "optional": mapped_column(column_type, nullable=True),
    }

    store = SQLStore(ENGINE, user_model=model(**fields), public_fields=list(fields), writable_fields=list(fields))

    assert store.schema.public == store.schema.writable
    assert store.schema.public == (
        UserField("needed", annotation, required=True, shown=shown),
        UserField("optional", annotation | None, required=False, shown=shown | None),
    )


def test_the_schema_has_the_columns_lengths_and_the_keys_type(model: Defined) -> None:
    """Names may be as long as their columns, but never longer than ours, and ids are of the key's type."""
    short = SQLStore(ENGINE, user_model=model(username=mapped_column(String(20), unique=True))).schema
    long = SQLStore(
        ENGINE,
        user_model=model(
            username=mapped_column(Text, unique=True),
            email=mapped_column(String(999), unique=True),
            id=mapped_column(Uuid, primary_key=True, default=uuid.uuid4),
        ),
    ).schema

    assert (short.name, short.id_type, short.username_max_length, short.email_max_length) == ("Member", int, 20, 254)
    assert (long.id_type, long.username_max_length, long.email_max_length) == (uuid.UUID, 64, 254)


def test_what_makes_itself_is_not_required(model: Defined) -> None:
    """A new user must be given what has neither a default nor may be null, and nothing else."""
    user_model = model(
        must=mapped_column(String(9), nullable=False),
        may=mapped_column(String(9), nullable=True),
        defaulted=mapped_column(String(9), default="x"),
        server=mapped_column(String(9), server_default="x"),
        computed=mapped_column(String(9), Computed("lower(username)")),
    )

    assert SQLStore(ENGINE, user_model=user_model).schema.required == ("must",)


def test_a_dataclass_says_what_it_requires() -> None:
    """A dataclass requires what its constructor does, and not what has a default there."""

    class DataclassBase(MappedAsDataclass, DeclarativeBase):
        pass

    class Member(DataclassBase):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        username: Mapped[str] = mapped_column(String(64), unique=True)
        email: Mapped[str] = mapped_column(String(254), unique=True)
        hashed_password: Mapped[str] = mapped_column(String(255))
        disabled: Mapped[bool]
        nickname: Mapped[str | None] = mapped_column(String(50))
        theme: Mapped[str] = mapped_column(String(50), default="light")
        tags: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)

    assert SQLStore(ENGINE, user_model=Member).schema.required == ("nickname",)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (
            Integer,
            ["0", "1", "-1", "2147483647"],
            ["2147483648", "-2147483649", "01", "+1", "1.0", "", "x", "1" * 999],
        ),
        (SmallInteger, ["32767"], ["32768"]),
        (BigInteger, ["9223372036854775807"], ["9223372036854775808", "-9223372036854775809"]),
        (Uuid(as_uuid=False), ["00000000-0000-0000-0000-00000000000a"], ["x", "0" * 32]),
        (GUID(36), ["00000000-0000-0000-0000-00000000000a"], ["x", "0" * 32]),
        (Uuid, ["00000000-0000-0000-0000-00000000000a"], ["{00000000-0000-0000-0000-00000000000a}", "0" * 32, "x"]),
        (String(5), ["abcde", "é"], ["abcdef", "", "a\x00", "a\nb", "\ud800"]),
    ],
    ids=["int", "small", "big", "uuid text", "guid", "uuid", "string"],
)
def test_an_id_is_read_strictly(model: Defined, key: Any, good: list[str], bad: list[str]) -> None:
    """An id is read as the key's column would have it, and everything else is no id."""
    user_model = model(id=mapped_column(key, primary_key=True, autoincrement="auto", default=lambda: None))
    mapping = SQLStore(ENGINE, user_model=user_model)._mapping

    assert [str(mapping.parse_key(text)) for text in good] == good
    assert [mapping.parse_key(text) for text in bad] == [None] * len(bad)
