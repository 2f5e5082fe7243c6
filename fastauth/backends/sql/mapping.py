"""What is read off the app's user class, once, when the store is built."""

import dataclasses
import inspect as python_inspect
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from annotated_types import Ge, Le, MaxLen
from pydantic import AwareDatetime, NaiveDatetime
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy import inspect as sqlalchemy_inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import InstanceState, Mapper, make_transient_to_detached

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.identity import EMAIL_MAX_LENGTH, USERNAME_MAX_LENGTH
from fastauth.core.models import UserField, UserSchema

_M = TypeVar("_M")

_NEEDED = ("username", "email", "hashed_password", "disabled")
_HASH_LENGTH = 97  # the longest hash in common use, Argon2id's; ours has 83 characters
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")


class UserMapping(Generic[_M]):
    """The user class as the store sees it: its table, its key, its columns, and what of it travels over HTTP.

    Args:
        user_model: A mapped class with ``username``, ``email``, ``hashed_password`` and ``disabled``.
        public_fields: Its own attributes that user JSON shows.
        writable_fields: Its own attributes that a client may set.

    Raises:
        ConfigurationError: Something does not fit; the message names the attribute.
    """

    def __init__(self, user_model: type[_M], public_fields: Sequence[str], writable_fields: Sequence[str]) -> None:
        self._model: Callable[..., _M] = user_model
        self._name = user_model.__name__
        self._configured = False
        self._mapper = self._inspect(user_model)
        self.table = self._single_table()
        # Not mapper.column_attrs: that would ask for every class the app has yet to define.
        self._columns: dict[str, Column[Any]] = {
            name: column for name, column in self._mapper.columns.items() if isinstance(column, Column)
        }
        self._key_name, self.key = self._key_column()
        self._check_needed()
        self._demanded = self._demanded_by_constructor()
        self._key_type: type = self._python_type(self._key_name, self.key)
        self._parse_key = self._key_parser()
        self.schema = UserSchema(
            name=self._name,
            id_type=self._key_type,
            public=tuple(self._field(name, "public_fields") for name in public_fields),
            writable=tuple(self._field(name, "writable_fields") for name in writable_fields),
            required=tuple(name for name in self._columns if self._is_required(name)),
            username_max_length=min(USERNAME_MAX_LENGTH, self._length("username")),
            email_max_length=min(EMAIL_MAX_LENGTH, self._length("email")),
        )
        self._public_names = tuple(field.name for field in self.schema.public)
        self.attributes = tuple(self._columns)
        self.columns = tuple(self._columns.values())
        self.key_position = self.attributes.index(self._key_name)

    def column(self, name: str) -> Column[Any]:
        """Return the column of this attribute."""
        return self._columns[name]

    def positions(self) -> tuple[int, int, int, int, int]:
        """Return where the key, username, email, hashed_password and disabled stand in :attr:`columns`."""
        username, email, hashed_password, disabled = (self.attributes.index(name) for name in _NEEDED)
        return self.key_position, username, email, hashed_password, disabled

    def parse_key(self, user_id: str) -> Any | None:
        """Return the key in the type of its column; None when ``user_id`` cannot be one."""
        return self._parse_key(user_id)

    def build(self, values: Sequence[Any]) -> _M:
        """Return the app's object from the values of :attr:`columns`, as if loaded by a session and detached from it.

        No session is needed for it, which costs more than the statement. Reading a column never does I/O, and
        ``session.merge`` and ``session.add`` take the object.
        """
        if not self._configured:  # which making an object by its constructor would have done
            self._mapper.registry.configure(cascade=True)
            self._configured = True
        user: _M = self._mapper.class_manager.new_instance()
        state: InstanceState[_M] = sqlalchemy_inspect(user)
        state.dict.update(zip(self.attributes, values, strict=True))
        make_transient_to_detached(user)
        # So that @reconstructor methods and mutable column types hear of it, as from a session.
        self._mapper.class_manager.dispatch.load(state, None)
        return user

    def new(self, username: str, email: str, hashed_password: str, fields: Mapping[str, Any]) -> _M:
        """Return a new object of the app's class, to be added to a session."""
        return self._model(username=username, email=email, hashed_password=hashed_password, disabled=False, **fields)

    def key_of(self, user: _M) -> Any:
        """Return the key of an object."""
        return getattr(user, self._key_name)

    def knows(self, name: str) -> bool:
        """Say whether the class has such a field besides the ones that belong to us."""
        return name in self._columns and name not in (*_NEEDED, self._key_name)

    def unique_fields(self) -> Sequence[str]:
        """Return the attributes of the app's own whose values may occur once."""
        return [name for name in self._columns if self.knows(name) and self._is_unique(self._columns[name])]

    def public_values(self, user: _M) -> Mapping[str, Any]:
        """Return the key as ``id``, and the public fields."""
        return {"id": self.key_of(user), **{name: getattr(user, name) for name in self._public_names}}

    @staticmethod
    def _inspect(user_model: type[_M]) -> Mapper[_M]:
        try:
            mapper: Mapper[_M] = sqlalchemy_inspect(user_model)
        except NoInspectionAvailable as error:
            raise ConfigurationError(
                f"user_model={user_model!r} is not a mapped class: map it with SQLAlchemy, "
                "or as SQLModel with table=True."
            ) from error
        return mapper

    def _single_table(self) -> Table:
        selectable = self._mapper.persist_selectable
        if not isinstance(selectable, Table):
            raise ConfigurationError(f"{self._name} must be mapped to one table, not to {selectable}.")
        return cast("Table", selectable)

    def _key_column(self) -> tuple[str, Column[Any]]:
        if len(self._mapper.primary_key) != 1:
            names = ", ".join(column.name for column in self._mapper.primary_key)
            raise ConfigurationError(f"{self._name} needs a primary key of one column; it has {names}.")
        (key,) = self._mapper.primary_key
        return next((name, column) for name, column in self._columns.items() if column is key)

    def _check_needed(self) -> None:
        for name in _NEEDED:
            if name not in self._columns:
                raise ConfigurationError(
                    f"{self._name} has no mapped attribute {name!r}. Add it, "
                    "or inherit from fastauth.backends.sql.UserMixin."
                )
            expected = Boolean if name == "disabled" else String
            if not isinstance(self._columns[name].type, expected):
                raise ConfigurationError(f"{self._name}.{name} must be a {expected.__name__} column.")
        for name in ("username", "email"):
            if not self._is_unique(self._columns[name]):
                raise ConfigurationError(
                    f"{self._name}.{name} must be unique: add unique=True. "
                    "Without it, two sign-ups at once make two users."
                )
        if self._length("hashed_password") < _HASH_LENGTH:
            raise ConfigurationError(
                f"{self._name}.hashed_password must hold {_HASH_LENGTH} characters; 255 is a good size."
            )

    def _demanded_by_constructor(self) -> frozenset[str]:
        signature = python_inspect.signature(self._model)
        demanded = frozenset(
            name
            for name, parameter in signature.parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        )
        try:
            signature.bind(**dict.fromkeys({*_NEEDED, *(name for name in demanded if self.knows(name))}))
        except TypeError as error:
            raise ConfigurationError(
                f"{self._name}(...) must be callable with its column attributes by name: {error}."
            ) from error
        return demanded

    def _key_parser(self) -> Callable[[str], Any | None]:
        if self._key_type is int:
            lowest, highest = _integer_bounds(self.key)
            return lambda text: int(text) if _INTEGER.fullmatch(text) and lowest <= int(text) <= highest else None
        if self._key_type is uuid.UUID:
            return _parse_uuid
        if self._key_type is str:
            limit = self._length(self._key_name)
            return lambda text: text if len(text) <= limit and _TEXT.fullmatch(text) else None
        raise ConfigurationError(
            f"{self._name}.{self._key_name} is a key of type {self._key_type.__name__}; use an int, a UUID or a string."
        )

    def _field(self, name: str, option: str) -> UserField:
        if not self.knows(name):
            if name in self._columns:
                raise ConfigurationError(f"{option}: {self._name}.{name} belongs to FastAuth and cannot be named here.")
            raise ConfigurationError(f"{option}: {self._name} has no column attribute {name!r}.")
        return UserField(name=name, annotation=self._annotation(name), required=self._is_required(name))

    def _annotation(self, name: str) -> Any:
        column = self._columns[name]
        annotation: Any = self._python_type(name, column)
        if isinstance(column.type, Enum):
            annotation = column.type.enum_class or Literal[tuple(column.type.enums)]
        elif isinstance(column.type, String) and column.type.length is not None:
            annotation = Annotated[str, MaxLen(column.type.length)]
        elif isinstance(column.type, Integer) and annotation is int:
            lowest, highest = _integer_bounds(column)
            annotation = Annotated[int, Ge(lowest), Le(highest)]
        elif isinstance(column.type, DateTime):
            annotation = AwareDatetime if column.type.timezone else NaiveDatetime
        return annotation | None if column.nullable else annotation

    def _python_type(self, name: str, column: Column[Any]) -> Any:
        try:
            return column.type.python_type
        except NotImplementedError as error:
            raise ConfigurationError(
                f"{self._name}.{name}: the type {column.type!r} says no Python type, so it cannot travel as JSON."
            ) from error

    def _is_required(self, name: str) -> bool:
        column = self._columns[name]
        if name in _NEEDED:
            return False
        if name in self._demanded and column is not self.key:
            return True
        makes_itself = (
            column.nullable
            or column.default is not None
            or column.server_default is not None
            or column.computed is not None
            or column.identity is not None
            or self.table.autoincrement_column is column
            or _has_dataclass_default(self._mapper.class_, name)
        )
        if column is self.key and not makes_itself:
            raise ConfigurationError(f"{self._name}.{name} has no default: give it one, such as default=uuid.uuid4.")
        return not makes_itself

    def _is_unique(self, column: Column[Any]) -> bool:
        unique = [each for each in self.table.constraints if isinstance(each, (UniqueConstraint, PrimaryKeyConstraint))]
        unique_indexes = [each for each in self.table.indexes if each.unique]
        return any([each.name for each in group.columns] == [column.name] for group in (*unique, *unique_indexes))

    def _length(self, name: str) -> int:
        column_type = self._columns[name].type
        length = column_type.length if isinstance(column_type, String) else None
        return 255 if length is None else length


def _integer_bounds(column: Column[Any]) -> tuple[int, int]:
    bits = 63 if isinstance(column.type, BigInteger) else 15 if isinstance(column.type, SmallInteger) else 31
    return -(2**bits), 2**bits - 1


def _has_dataclass_default(model: type, name: str) -> bool:
    for field in dataclasses.fields(model) if dataclasses.is_dataclass(model) else ():
        if field.name == name:
            return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return False


def _parse_uuid(text: str) -> uuid.UUID | None:
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None  # uuid.UUID takes braces and URNs too
