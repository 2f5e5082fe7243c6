"""What is read off the user class: a class that cannot work is refused when the store is built, by the attribute."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PickleType,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    create_engine,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    join,
    mapped_column,
    registry,
    relationship,
)

from fastauth import ConfigurationError
from fastauth.backends.sql import SQLStore, User, UserMixin
from tests.backends.sql.column_types import Encoded, Odd, Silent
from tests.backends.sql.conftest import Defined

ENGINE = create_async_engine("sqlite+aiosqlite://")


def refusal(user_model: Any, **options: Any) -> str:
    """Return what is said when a store with this class is built."""
    with pytest.raises(ConfigurationError) as refused:
        SQLStore(ENGINE, user_model=user_model, **options)
    return refused.value.message


def test_a_class_that_is_not_mapped_is_refused() -> None:
    """A class that SQLAlchemy does not know is refused with what to do about it."""

    class NotMapped:
        pass

    assert "is not a mapped class" in refusal(NotMapped)


def test_a_class_over_two_tables_is_refused() -> None:
    """A class that is mapped to a join is refused."""
    tables = registry()
    one = Table("one", tables.metadata, Column("id", Integer, primary_key=True))
    two = Table("two", tables.metadata, Column("id", ForeignKey("one.id"), primary_key=True))

    class Both:
        pass

    tables.map_imperatively(Both, join(one, two), properties={"id": [one.c.id, two.c.id]})

    assert "Both must be mapped to one table" in refusal(Both)


def test_a_class_that_shares_its_table_is_refused(model: Defined) -> None:
    """A class whose rows may belong to subclasses is refused: their objects would be of the wrong class."""
    kind = mapped_column(String(10))

    assert "polymorphic_on" in refusal(model(kind=kind, __mapper_args__={"polymorphic_on": kind}))


@pytest.mark.parametrize("name", ["username", "email", "hashed_password", "disabled"])
def test_a_missing_attribute_is_named(name: str) -> None:
    """A class without one of the needed attributes is refused by its name."""
    tables = registry()
    columns = {
        "username": Column(String(64), unique=True),
        "email": Column(String(254), unique=True),
        "hashed_password": Column(String(255)),
        "disabled": Column(Boolean),
    }
    del columns[name]
    named = [Column(key, column.type, unique=column.unique) for key, column in columns.items()]

    class Member:
        pass

    tables.map_imperatively(Member, Table("members", tables.metadata, Column("id", Integer, primary_key=True), *named))

    assert f"Member has no mapped attribute {name!r}" in refusal(Member)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("username", mapped_column(Integer, unique=True), "Member.username must be a String column"),
        ("disabled", mapped_column(Integer), "Member.disabled must be a Boolean column"),
        ("username", mapped_column(String(64)), "Member.username must be unique"),
        ("email", mapped_column(String(254)), "Member.email must be unique"),
        ("email", mapped_column(String(254), index=True), "Member.email must be unique"),
        ("hashed_password", mapped_column(String(60)), "Member.hashed_password must hold 97 characters"),
        ("id", mapped_column(Date, primary_key=True, default=date.today), "Member.id is a key of type date"),
        ("id", mapped_column(String(20), primary_key=True), "Member.id has no default"),
        ("id", mapped_column(Uuid, primary_key=True), "Member.id has no default"),
        ("id", mapped_column(Integer, primary_key=True, autoincrement=False), "Member.id has no default"),
        ("id", mapped_column(PickleType, primary_key=True), "Member.id is a key of type object"),
        ("id", mapped_column(Encoded(9), primary_key=True), "Member.id is a key of type object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_column_that_cannot_work_is_named(model: Defined, name: str, column: Any, said: str) -> None:
    """A column that cannot do its part is refused by the name of its attribute, and with what to change."""
    assert said in refusal(model(**{name: column}))


def test_a_key_of_two_columns_is_refused(model: Defined) -> None:
    """A primary key of two columns is refused, and both are named."""
    assert "it has id, part" in refusal(model(part=mapped_column(Integer, primary_key=True)))


def test_a_constructor_that_asks_for_more_is_refused(model: Defined) -> None:
    """A class whose constructor cannot be called with its columns alone is refused."""

    def init(self: Any, username: str, email: str, hashed_password: str, disabled: bool, mailer: object) -> None:
        """Never called."""

    assert "missing a required argument: 'mailer'" in refusal(model(__init__=init))


def test_a_field_that_the_constructor_does_not_take_is_refused() -> None:
    """A writable field that the class's constructor does not take is refused."""

    class DataclassBase(MappedAsDataclass, DeclarativeBase):
        pass

    class Member(DataclassBase):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        username: Mapped[str] = mapped_column(String(64), unique=True)
        email: Mapped[str] = mapped_column(String(254), unique=True)
        hashed_password: Mapped[str] = mapped_column(String(255))
        disabled: Mapped[bool]
        first_name: Mapped[str | None] = mapped_column(String(50), init=False, default=None)

    assert "got an unexpected keyword argument 'first_name'" in refusal(Member, writable_fields=["first_name"])


@pytest.mark.parametrize("option", ["public_fields", "writable_fields"])
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("no_such", "Member has no column attribute 'no_such'"),
        ("friends", "Member has no column attribute 'friends'"),
        ("hashed_password", "Member.hashed_password belongs to FastAuth"),
        ("id", "Member.id belongs to FastAuth"),
        ("secret", "Member.secret: the type PickleType() says no Python type"),
        ("encoded", "Member.encoded: the type Encoded() says no Python type"),
        ("silent", "Member.silent: the type Silent() says no Python type"),
        ("odd", "Member.odd: the type"),
        ("picture", "Member.picture holds bytes"),
        ("thumbnail", "Member.thumbnail holds bytes"),
    ],
)
def test_a_field_that_cannot_travel_is_named(model: Defined, option: str, field: str, said: str) -> None:
    """A public or writable field that is none, is ours, or is of no type that JSON has, is refused by its name."""
    user_model = model(
        secret=mapped_column(PickleType),
        encoded=mapped_column(Encoded),
        silent=mapped_column(Silent),
        odd=mapped_column(Odd),
        picture=mapped_column(LargeBinary, nullable=False),
        thumbnail=mapped_column(LargeBinary, nullable=True),
        friend_id=mapped_column(ForeignKey("members.id")),
        friends=relationship("Member"),
    )

    message = refusal(user_model, **{option: [field]})

    assert said in message


@pytest.mark.parametrize("option", ["public_fields", "writable_fields"])
@pytest.mark.parametrize("field", ["roles", "password", "new_password"])
def test_a_field_with_a_name_of_ours_is_refused(model: Defined, option: str, field: str) -> None:
    """A column whose name has a meaning of ours in JSON is refused when it is to travel, and not when it stays."""
    user_model = model(**{field: mapped_column(String(40), default="x")})

    assert f"{option}: Member.{field} cannot be named here" in refusal(user_model, **{option: [field]})
    assert SQLStore(ENGINE, user_model=user_model).schema.public == ()


@pytest.mark.parametrize("option", ["public_fields", "writable_fields"])
def test_an_id_besides_the_key_is_refused(option: str) -> None:
    """In JSON the key is called ``id``, whatever its attribute is: another attribute of that name cannot travel."""

    class Base(DeclarativeBase):
        pass

    class Member(UserMixin, Base):
        __tablename__ = "members"
        number: Mapped[int] = mapped_column(primary_key=True)
        id: Mapped[str] = mapped_column(String(40), default="x")

    assert f"{option}: Member.id cannot be named here" in refusal(Member, **{option: ["id"]})


def test_a_column_may_keep_a_name_of_ours(model: Defined) -> None:
    """It is the attribute that is called differently; its column is what it was."""
    user_model = model(team_roles=mapped_column("roles", String(40), default="x"))

    store = SQLStore(ENGINE, user_model=user_model, public_fields=["team_roles"])

    assert [field.name for field in store.schema.public] == ["team_roles"]


def test_a_second_user_class_needs_a_metadata_of_its_own() -> None:
    """Our tables refer to one user table: a second user class in the same metadata is refused."""

    class OwnBase(DeclarativeBase):
        pass

    class One(UserMixin, OwnBase):
        __tablename__ = "ones"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Two(UserMixin, OwnBase):
        __tablename__ = "twos"
        id: Mapped[int] = mapped_column(primary_key=True)

    SQLStore(ENGINE, user_model=One)

    assert "FastAuth's tables for another user table" in refusal(Two)


@pytest.mark.parametrize(
    "engine",
    [
        ENGINE.execution_options(isolation_level="AUTOCOMMIT"),
        create_async_engine("sqlite+aiosqlite://", execution_options={"isolation_level": "AUTOCOMMIT"}),
    ],
    ids=["by a copy", "by itself"],
)
def test_an_engine_that_overrules_the_store_is_refused(engine: AsyncEngine) -> None:
    """An engine with an isolation level among its execution options is refused: the store could not set its own."""
    with pytest.raises(ConfigurationError, match="create_async_engine"):
        SQLStore(engine)


def test_an_engine_that_is_not_asynchronous_is_refused() -> None:
    """A synchronous engine is refused with what to make instead."""
    with pytest.raises(ConfigurationError, match="create_async_engine"):
        SQLStore(create_engine("sqlite://"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        (UniqueConstraint("username"), UniqueConstraint("email")),
        (Index("u", "username", unique=True), Index("e", "email", unique=True)),
    ],
    ids=["constraints", "indexes"],
)
def test_uniqueness_may_be_said_in_any_way(model: Defined, arguments: tuple[Any, ...]) -> None:
    """A column is unique by its own word, by a constraint of the table's, or by an index."""
    user_model = model(username=mapped_column(String(64)), email=mapped_column(String(254)), __table_args__=arguments)

    assert SQLStore(ENGINE, user_model=user_model).schema.name == "Member"


def test_the_class_may_be_defined_before_what_it_refers_to() -> None:
    """A store may be built while classes that the user class refers to are still to be defined."""

    class OwnBase(DeclarativeBase):
        pass

    class Member(UserMixin, OwnBase):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        team: Mapped["Team"] = relationship("Team")  # noqa: F821
        team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))

    store = SQLStore(ENGINE, user_model=Member)

    assert store.schema.required == ()


def test_a_column_property_is_no_field(model: Defined) -> None:
    """A computed attribute is loaded with the object, and is neither public nor writable by name."""
    user_model = model(one=column_property(select(text("1")).scalar_subquery()))

    assert "has no column attribute 'one'" in refusal(user_model, public_fields=["one"])
    assert "one" in SQLStore(ENGINE, user_model=user_model)._mapping.attributes


def test_the_ready_made_user_shows_no_secret() -> None:
    """The ready-made user's text has its id and its name, and not its hash."""
    user = User(id=1, username="ada", email="ada@example.com", hashed_password="secret", disabled=False)

    assert repr(user) == "User(id=1, username='ada')"


def test_our_tables_join_the_apps_metadata() -> None:
    """Our tables are in the user table's metadata and schema, and take its storage options along."""

    class OwnBase(DeclarativeBase):
        metadata = MetaData(schema="auth")

    class Member(UserMixin, OwnBase):
        __tablename__ = "members"
        __table_args__ = {"mysql_charset": "utf8mb4", "mariadb_engine": "InnoDB", "sqlite_autoincrement": True}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)

    store = SQLStore(ENGINE, user_model=Member)

    ours = {name: table for name, table in OwnBase.metadata.tables.items() if "fastauth" in name}
    names = ("audit_records", "roles", "sessions", "used_tokens", "user_roles")
    assert sorted(ours) == [f"auth.fastauth_{name}" for name in names]
    assert all(
        dict(table.kwargs) == {"mysql_charset": "utf8mb4", "mariadb_engine": "InnoDB"} for table in ours.values()
    )
    assert set(ours.values()) < set(store.tables)
    assert store.tables.users is Member.__table__
    assert store.engine is ENGINE


def test_every_constraint_of_ours_has_a_name() -> None:
    """Every constraint and index of our tables has a name, so that a migration can speak of it."""
    tables = [table for table in SQLStore(ENGINE).tables if table.name != "fastauth_users"]

    assert all(item.name for table in tables for item in (*table.constraints, *table.indexes))
