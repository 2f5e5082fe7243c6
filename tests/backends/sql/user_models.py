"""User classes as apps write them: with keys and columns of every kind, and in every style of mapping."""

import enum
import secrets
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    func,
)
from sqlalchemy import Boolean as SQLBoolean
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    mapped_column,
    reconstructor,
    registry,
    relationship,
    validates,
)
from sqlmodel import Field, SQLModel

from fastauth.backends.sql import User, UserMixin
from fastauth.backends.sql.tables import text


class Level(enum.Enum):
    BRONZE = "bronze"
    GOLD = "gold"


class PlainBase(DeclarativeBase):
    pass


class Member(PlainBase):
    """Nothing is inherited, the key has a name of its own, and so have the columns; there are many other types."""

    __tablename__ = "club members"

    number: Mapped[int] = mapped_column("member_no", primary_key=True)
    username: Mapped[str] = mapped_column("login", text(40), unique=True)
    email: Mapped[str] = mapped_column(text(200), unique=True)
    hashed_password: Mapped[str] = mapped_column("pw", String(128))
    disabled: Mapped[bool] = mapped_column("is_off")
    first_name: Mapped[str | None] = mapped_column(String(50))
    born: Mapped[date | None]
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    balance: Mapped[Decimal] = mapped_column(Numeric(10, 2), default=Decimal("1.50"))
    level: Mapped[Level] = mapped_column(default=Level.BRONZE)
    settings: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    photo: Mapped[bytes | None] = mapped_column(LargeBinary)
    slug: Mapped[str | None] = mapped_column(String(30), unique=True)
    joined_at: Mapped[datetime] = mapped_column(server_default=func.now())
    loud_name: Mapped[str] = column_property(func.upper(username))


class UUIDBase(DeclarativeBase):
    pass


class UUIDMember(UserMixin, UUIDBase):
    """Our mixin, and a key that the class makes itself."""

    __tablename__ = "members"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    first_name: Mapped[str | None] = mapped_column(String(50))


class StringBase(DeclarativeBase):
    pass


class StringMember(StringBase):
    """A key of letters, and columns in whatever collation the database has."""

    __tablename__ = "members"

    code: Mapped[str] = mapped_column(String(16), primary_key=True, default=lambda: secrets.token_hex(8))
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool]
    first_name: Mapped[str | None] = mapped_column(String(50))


class BigBase(DeclarativeBase):
    pass


class BigMember(UserMixin, BigBase):
    """A key of 64 bits, which SQLite has only where it is told otherwise."""

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    first_name: Mapped[str | None] = mapped_column(String(50))


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


class DataclassMember(DataclassBase):
    """A dataclass, whose key its constructor does not take."""

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    username: Mapped[str] = mapped_column(text(64), unique=True)
    email: Mapped[str] = mapped_column(text(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255), repr=False)
    first_name: Mapped[str | None] = mapped_column(String(50), default=None)
    disabled: Mapped[bool] = mapped_column(default=False)


class RichBase(DeclarativeBase):
    pass


class RichMember(UserMixin, RichBase):
    """Validators, a reconstructor, and a relationship to a class that comes later."""

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str | None] = mapped_column(String(50))
    posts: Mapped[list["Post"]] = relationship()
    loads: ClassVar[int]

    @validates("first_name")
    def check_first_name(self, _: str, value: str | None) -> str | None:
        if value == "nobody":
            raise ValueError(f"{value} is no name")
        return value and value.strip()

    @reconstructor
    def count_load(self) -> None:
        vars(self)["loads"] = 1


class Post(RichBase):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("members.id"))


class SQLModelBase(SQLModel):
    metadata = MetaData()


class SQLModelMember(SQLModelBase, table=True):
    """A class of SQLModel, in the style of its documentation."""

    __tablename__ = "members"

    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(max_length=64, unique=True)
    email: str = Field(max_length=254, unique=True)
    hashed_password: str = Field(max_length=255)
    disabled: bool = False
    first_name: str | None = Field(default=None, max_length=50)


class ImperativeMember:
    """A class that knows nothing of a database."""

    def __init__(
        self,
        username: str,
        email: str,
        hashed_password: str,
        first_name: str | None = None,
        disabled: bool = False,
    ) -> None:
        self.username = username
        self.email = email
        self.hashed_password = hashed_password
        self.first_name = first_name
        self.disabled = disabled


_imperative = registry()
_imperative.map_imperatively(
    ImperativeMember,
    Table(
        "members",
        _imperative.metadata,
        Column("id", Integer, primary_key=True),
        Column("username", text(64), nullable=False, unique=True),
        Column("email", text(254), nullable=False, unique=True),
        Column("hashed_password", String(255), nullable=False),
        Column("disabled", SQLBoolean, nullable=False),
        Column("first_name", String(50)),
    ),
)


class Case(NamedTuple):
    """A user class, and what an app sets of it; bytes it neither says nor takes as JSON."""

    model: type[Any]
    key: str = "id"
    fields: Mapping[str, Any] = {"first_name": "Ada"}

    @property
    def said(self) -> Mapping[str, Any]:
        """What goes into JSON."""
        return {name: value for name, value in self.fields.items() if not isinstance(value, bytes)}


MODELS = {
    "ready-made": Case(User, fields={}),
    "plain": Case(
        Member,
        key="number",
        fields={
            "first_name": "Ada",
            "born": date(1815, 12, 10),
            "seen_at": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            "balance": Decimal("12.34"),
            "level": Level.GOLD,
            "settings": {"theme": ["dark", 1, None]},
            "photo": b"\x00\xff",
            "slug": "ada",
        },
    ),
    "uuid": Case(UUIDMember),
    "string": Case(StringMember, key="code"),
    "big": Case(BigMember),
    "dataclass": Case(DataclassMember),
    "rich": Case(RichMember),
    "sqlmodel": Case(SQLModelMember),
    "imperative": Case(ImperativeMember),
}
