"""What is read off the app's user class, once, when the store is built."""

import dataclasses
import inspect as python_inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Generic, TypeGuard, TypeVar, cast

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy import inspect as sqlalchemy_inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import InstanceState, Mapper, make_transient_to_detached

from fastauth.backends.common import HASH_LENGTH, check_travels, in_utc
from fastauth.backends.sql.columns import (
    KeyParser,
    annotation,
    is_in_utc,
    key_parser,
    max_length,
    plain_type,
    stored_type,
)
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.identity import EMAIL_MAX_LENGTH, USERNAME_MAX_LENGTH
from fastauth.core.user_schema import Shape, UserField, UserSchema

_M = TypeVar("_M")


class UserMapping(Generic[_M]):
    """The user class as the store sees it: its table, its key, its columns, and what of it travels over HTTP.

    Args:
        user_model: A mapped class with ``username``, ``email``, ``hashed_password`` and ``disabled``; or with the
            ``is_active`` of fastapi-users instead of ``disabled``, and then with or without ``username``.
        public_fields: Its own attributes that user JSON shows.
        writable_fields: Its own attributes that a client may set.

    Raises:
        ConfigurationError: Something does not fit; the message names the attribute.
    """

    def __init__(self, user_model: type[_M], public_fields: Sequence[str], writable_fields: Sequence[str]) -> None:
        self._model: Callable[..., _M] = user_model
        self._name = user_model.__name__
        self._configured = self._all_is_loaded = False
        self.mapper: Mapper[_M] = self._inspect(user_model)
        self.table: Table = self._single_table()
        # Not mapper.column_attrs: that would ask for every class the app has yet to define.
        loaded: dict[str, ColumnElement[Any]] = dict(self.mapper.columns.items())
        self._columns: dict[str, Column[Any]] = {
            name: column for name, column in loaded.items() if isinstance(column, Column)
        }
        self._in_utc = frozenset(name for name, column in self._columns.items() if is_in_utc(column))
        self.shape: Shape = Shape.of(self._columns)
        self._key_name, key = self._key_column()
        self.key: Column[Any] = key
        self._check_needed()
        self._demanded = self._demanded_by_constructor(writable_fields)
        key_type, self._parse_key = self._key_parser()
        self.schema: UserSchema = UserSchema(
            name=self._name,
            id_type=key_type,
            public=tuple(self._field(name, "public_fields") for name in public_fields),
            writable=tuple(self._field(name, "writable_fields") for name in writable_fields),
            required=tuple(name for name in self._columns if self._is_required(name)),
            username_max_length=min(USERNAME_MAX_LENGTH, max_length(self.column("username"))),
            email_max_length=min(EMAIL_MAX_LENGTH, max_length(self._columns["email"])),
            shape=self.shape,
            settable=tuple(name for name in self._columns if self.knows(name)),
        )
        self._public_names = tuple(field.name for field in self.schema.public)
        self.attributes: tuple[str, ...] = tuple(loaded)
        self.columns: tuple[ColumnElement[Any], ...] = tuple(loaded.values())
        self.key_position: int = self.attributes.index(self._key_name)

    def column(self, name: str) -> Column[Any]:
        """Return the column of this attribute, or of the one that stands for it."""
        return self._columns[self.shape.attribute(name)]

    def is_enabled(self) -> ColumnElement[bool]:
        """Return the condition that a user is enabled."""
        return self.column("disabled").is_not(self.shape.flag(disabled=True))

    def positions(self) -> tuple[int, int, int, int, int]:
        """Return where the key, username, email, hashed_password and disabled stand in :attr:`columns`."""
        shape = self.shape
        names = (shape.username, "email", "hashed_password", shape.disabled)
        username, email, hashed_password, disabled = map(self.attributes.index, names)
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
            self.mapper.registry.configure(cascade=True)
            self._configured = True
            self._all_is_loaded = self.mapper.class_manager.keys() <= {
                *self.attributes,
                *self.mapper.relationships.keys(),
            }
        user: _M = self.mapper.class_manager.new_instance()
        state: InstanceState[_M] = sqlalchemy_inspect(user)
        state.dict.update(zip(self.attributes, values, strict=True))
        if self._all_is_loaded:
            # All that make_transient_to_detached would do, and slowly: the object is new, so nothing of it is pending,
            # and no attribute but relationships, which know it by themselves, has to be marked as not loaded.
            state.key = self.mapper.identity_key_from_primary_key((values[self.key_position],))
        else:
            make_transient_to_detached(user)
        # So that @reconstructor methods and mutable column types hear of it, as from a session.
        self.mapper.class_manager.dispatch.load(state, None)
        return user

    def new(self, username: str, email: str, hashed_password: str, fields: Mapping[str, Any]) -> _M:
        """Return a new object of the app's class, to be added to a session."""
        own = {name: self.storable(name, value) for name, value in fields.items()}
        return self._model(**self.shape.new(username, email, hashed_password), **own)

    def storable(self, name: str, value: Any) -> Any:
        """Return a value of the field as it is to be stored: a time in UTC, as not every database keeps its zone."""
        return in_utc(value) if self._is_in_utc(name, value) and value.tzinfo is not None else value

    def key_of(self, user: _M) -> Any:
        """Return the key of an object."""
        return getattr(user, self._key_name)

    def knows(self, name: str) -> bool:
        """Say whether the class has such a field besides the ones that belong to us."""
        return name in self._columns and name not in (*self.shape.needed, self._key_name)

    def unique_groups(self) -> Sequence[AbstractSet[str]]:
        """Return the attributes whose values may occur once, alone or together; the username and the address first."""
        names = {column: name for name, column in self._columns.items()}
        groups = [{names[column] for column in group.columns if column in names} for group in self._unique()]
        return [{self.shape.username}, {"email"}, *(group for group in groups if group)]

    def public_values(self, user: _M) -> Mapping[str, Any]:
        """Return the key as ``id``, and the public fields; times in a column with a zone have one."""
        return {
            "id": self.key_of(user),
            **{name: self._shown(name, getattr(user, name)) for name in self._public_names},
        }

    def _shown(self, name: str, value: Any) -> Any:
        return in_utc(value) if self._is_in_utc(name, value) and value.tzinfo is None else value

    def _is_in_utc(self, name: str, value: Any) -> TypeGuard[datetime]:
        return name in self._in_utc and isinstance(value, datetime)

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
        selectable = self.mapper.persist_selectable
        if not isinstance(selectable, Table):
            raise ConfigurationError(f"{self._name} must be mapped to one table, not to {selectable}.")
        if self.mapper.polymorphic_on is not None:
            raise ConfigurationError(
                f"{self._name} shares its table with other classes (polymorphic_on), and a row might be any of them; "
                "map a class that stands for every row."
            )
        return cast("Table", selectable)

    def _key_column(self) -> tuple[str, Column[Any]]:
        if len(self.mapper.primary_key) != 1:
            names = ", ".join(column.name for column in self.mapper.primary_key)
            raise ConfigurationError(f"{self._name} needs a primary key of one column; it has {names}.")
        (key,) = self.mapper.primary_key
        return next((name, column) for name, column in self._columns.items() if column is key)

    def _check_needed(self) -> None:
        for name in self.shape.needed:
            if name not in self._columns:
                raise ConfigurationError(
                    f"{self._name} has no mapped attribute {name!r}. Add it, "
                    "or inherit from fastauth.backends.sql.UserMixin."
                )
            expected = Boolean if name == self.shape.disabled else String
            if not isinstance(plain_type(self._columns[name]), expected):
                raise ConfigurationError(f"{self._name}.{name} must be a {expected.__name__} column.")
        for name in dict.fromkeys((self.shape.username, "email")):
            if not self._is_unique(self._columns[name]):
                raise ConfigurationError(
                    f"{self._name}.{name} must be unique: add unique=True. "
                    "Without it, two sign-ups at once make two users."
                )
        if max_length(self._columns["hashed_password"]) < HASH_LENGTH:
            raise ConfigurationError(
                f"{self._name}.hashed_password must hold {HASH_LENGTH} characters; 255 is a good size."
            )

    def _demanded_by_constructor(self, writable_fields: Sequence[str]) -> frozenset[str]:
        signature = python_inspect.signature(self._model)
        demanded = frozenset(
            name
            for name, parameter in signature.parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        )
        try:
            given = {*self.shape.needed, *(name for name in (*demanded, *writable_fields) if self.knows(name))}
            signature.bind(**dict.fromkeys(given))
        except TypeError as error:
            raise ConfigurationError(
                f"{self._name}(...) must be callable with its column attributes by name: {error}."
            ) from error
        return demanded

    def _key_parser(self) -> tuple[type, KeyParser]:
        key_type, parser = key_parser(self.key)
        if parser is None:
            raise ConfigurationError(
                f"{self._name}.{self._key_name} is a key of type {key_type.__name__}; use an int, a UUID or a string."
            )
        return key_type, parser

    def _field(self, name: str, option: str) -> UserField:
        if not self.knows(name):
            if name in self._columns:
                raise ConfigurationError(f"{option}: {self._name}.{name} belongs to FastAuth and cannot be named here.")
            raise ConfigurationError(f"{option}: {self._name} has no column attribute {name!r}.")
        column = self._columns[name]
        known = annotation(column)
        if known is None:
            raise ConfigurationError(
                f"{self._name}.{name}: the type {column.type!r} says no Python type, so it cannot travel as JSON."
            )
        shown = stored_type(column)
        check_travels(f"{self._name}.{name}", shown, option)
        return UserField(name, known, required=self._is_required(name), shown=shown)

    def _is_required(self, name: str) -> bool:
        column = self._columns[name]
        if name in self.shape.needed:
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
            or _has_dataclass_default(self.mapper.class_, name)
        )
        if column is self.key and not makes_itself:
            raise ConfigurationError(f"{self._name}.{name} has no default: give it one, such as default=uuid.uuid4.")
        return not makes_itself

    def _is_unique(self, column: Column[Any]) -> bool:
        return any([each.name for each in group.columns] == [column.name] for group in self._unique())

    def _unique(self) -> Iterator[UniqueConstraint | PrimaryKeyConstraint | Index]:
        for constraint in self.table.constraints:
            if isinstance(constraint, (UniqueConstraint, PrimaryKeyConstraint)):
                yield constraint
        yield from (index for index in self.table.indexes if index.unique)


def _has_dataclass_default(model: type, name: str) -> bool:
    for field in dataclasses.fields(model) if dataclasses.is_dataclass(model) else ():
        if field.name == name:
            return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return False
