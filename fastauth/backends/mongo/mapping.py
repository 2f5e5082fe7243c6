"""What is read off the app's document class when the store is built."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from annotated_types import BaseMetadata, GroupedMetadata, MaxLen
from beanie import Document, DocumentWithSoftDelete
from beanie.odm.utils.encoder import Encoder
from beanie.odm.utils.typing import get_index_attributes  # pyright: ignore[reportUnknownVariableType]
from bson import ObjectId
from pydantic.fields import FieldInfo

from fastauth.backends.common import (
    HASH_LENGTH,
    check_travels,
    json_schema,
    parse_integer,
    parse_text,
    parse_uuid,
)
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.identity import EMAIL_MAX_LENGTH, USERNAME_MAX_LENGTH
from fastauth.core.user_schema import Shape, UserField, UserSchema

_M = TypeVar("_M")

_BEANIES = ("id", "revision_id")

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)


class UserMapping(Generic[_M]):
    """The document class as the store sees it: its key, its fields, and what of it travels over HTTP.

    Args:
        user_model: A Beanie document with ``username``, ``email``, ``hashed_password`` and ``disabled``; or with the
            ``is_active`` of fastapi-users instead of ``disabled``, and then with or without ``username``.
        public_fields: Its own fields that user JSON shows.
        writable_fields: Its own fields that a client may set.

    Raises:
        ConfigurationError: Something does not fit; the message names the field.
    """

    def __init__(self, user_model: type[_M], public_fields: Sequence[str], writable_fields: Sequence[str]) -> None:
        candidate: object = user_model
        if not (isinstance(candidate, type) and issubclass(candidate, Document)):
            raise ConfigurationError(
                f"user_model={user_model!r} is not a document class: inherit from beanie.Document."
            )
        self.model: type[Document] = candidate
        self.name: str = candidate.__name__
        self.fields: Mapping[str, FieldInfo] = candidate.model_fields
        self.shape: Shape = Shape.of(self.fields)
        self._check_collection()
        self._check_deletion()
        self._check_needed()
        self._key_class, self._parse_key = self._key_kind()
        self.makes_random_keys: bool = self._key_class is ObjectId
        self.schema: UserSchema = UserSchema(
            name=self.name,
            id_type=str if self.makes_random_keys else self._key_class,
            public=tuple(self._field(name, "public_fields") for name in public_fields),
            writable=tuple(self._field(name, "writable_fields") for name in writable_fields),
            required=tuple(name for name in self.fields if self.knows(name) and self.fields[name].is_required()),
            username_max_length=min(USERNAME_MAX_LENGTH, self._length(self.shape.username)),
            email_max_length=min(EMAIL_MAX_LENGTH, self._length("email")),
            shape=self.shape,
            settable=tuple(name for name in self.fields if self.knows(name)),
        )
        self._public_names = tuple(field.name for field in self.schema.public)

    def knows(self, name: str) -> bool:
        """Say whether the class has such a field besides the ones that belong to us or to Beanie."""
        return name in self.fields and name not in (*self.shape.needed, *_BEANIES)

    def stored_name(self, name: str) -> str:
        """Return what the field, or the one that stands for it, is called in the database."""
        name = self.shape.attribute(name)
        return self.fields[name].alias or name

    def is_own(self, stored_name: str) -> bool:
        """Say whether what is called this in the database is a field of the app's own."""
        name = self.field_stored_as(stored_name)
        return name is not None and self.knows(name)

    def field_stored_as(self, stored_name: str) -> str | None:
        """Return the field that is called this in the database, or None."""
        return next((name for name in self.fields if self.stored_name(name) == stored_name), None)

    def parse_key(self, user_id: object) -> Any | None:
        """Return the key in its Python type; None when ``user_id`` cannot be one, whatever it is."""
        return self._parse_key(user_id) if isinstance(user_id, str) else None

    def text_of(self, stored_key: object) -> str | None:
        """Return what :meth:`parse_key` parses; None when the key is stored as another type, which the class reads."""
        return str(stored_key) if type(stored_key) is self._key_class else None

    def encode(self, value: Any) -> Any:
        """Return a value of the class as it is in the database; the class must be initialised."""
        return Encoder(custom_encoders=self.model.get_settings().bson_encoders).encode(value)

    def public_values(self, user: _M) -> Mapping[str, Any]:
        """Return the key as ``id``, in a type that is JSON's or Pydantic's, and the public fields."""
        key: Any = getattr(user, "id", None)
        values = {name: getattr(user, name) for name in self._public_names}
        return {"id": str(key) if self.makes_random_keys else key, **values}

    def _check_collection(self) -> None:
        # As Beanie decides it, which keeps the answer in the class, but only once the class is initialised.
        settings = [getattr(each, "Settings", None) for each in self.model.__mro__ if issubclass(each, Document)]
        setting = None
        if any(getattr(each, "is_root", False) for each in settings):
            setting = "is_root"
        elif getattr(settings[0], "union_doc", None) is not None:
            setting = "union_doc"
        if setting is not None:
            raise ConfigurationError(
                f"{self.name} shares its collection with other classes ({setting}), and a document might be of any of "
                "them; give it a collection of its own."
            )

    def _check_deletion(self) -> None:
        if issubclass(self.model, DocumentWithSoftDelete):
            raise ConfigurationError(
                f"{self.name} keeps the documents of deleted users (DocumentWithSoftDelete), and a deleted account is "
                "to leave no data behind and no name taken. Inherit from Document, and copy what has to stay into "
                "another collection, in a before_event(Delete)."
            )

    def _check_needed(self) -> None:
        for name in self.shape.needed:
            if name not in self.fields:
                raise ConfigurationError(f"{self.name} has no field {name!r}. Add it.")
            is_flag = name == self.shape.disabled
            wanted = "boolean" if is_flag else "string"
            if self._json_types(name) - {"null"} != {wanted}:
                raise ConfigurationError(f"{self.name}.{name} must be a {'bool' if is_flag else 'str'}.")
        for name in dict.fromkeys((self.shape.username, "email")):
            indexed = get_index_attributes(self.fields[name])
            if indexed is not None and indexed[0] in (1, -1) and not indexed[1].get("unique"):
                raise ConfigurationError(
                    f"{self.name}.{name} must be unique: write Indexed(unique=True), or leave its index to us. "
                    "Without it, two sign-ups at once make two users."
                )
        if self._length("hashed_password") < HASH_LENGTH:
            raise ConfigurationError(f"{self.name}.hashed_password must hold {HASH_LENGTH} characters.")

    def _key_kind(self) -> tuple[type, Callable[[str], Any | None]]:
        field = self.fields["id"]
        annotation = _bare(field.annotation)
        for key_class, parse in _KEY_PARSERS.items():
            if isinstance(annotation, type) and issubclass(annotation, key_class) and annotation is not bool:
                if key_class is not ObjectId and field.default_factory is None:
                    raise ConfigurationError(
                        f"{self.name}.id has no default: give it one, such as Field(default_factory=uuid.uuid4)."
                    )
                return key_class, parse
        raise ConfigurationError(
            f"{self.name}.id is a key of type {annotation!r}; use an ObjectId, a UUID, a string or an int."
        )

    def _field(self, name: str, option: str) -> UserField:
        if name in (*self.shape.needed, *_BEANIES):
            raise ConfigurationError(f"{option}: {self.name}.{name} belongs to FastAuth and cannot be named here.")
        if name not in self.fields:
            raise ConfigurationError(f"{option}: {self.name} has no field {name!r}.")
        field = self.fields[name]
        check_travels(f"{self.name}.{name}", self._annotation(name), option)
        bounds = (BaseMetadata, GroupedMetadata)
        shown = _annotated(field, [each for each in field.metadata if not isinstance(each, bounds)])
        return UserField(name, self._annotation(name), required=field.is_required(), shown=shown)

    def _annotation(self, name: str) -> Any:
        return _annotated(self.fields[name], self.fields[name].metadata)

    def _json_types(self, name: str) -> set[str]:
        schema = json_schema(f"{self.name}.{name}", self._annotation(name))
        return {str(each.get("type")) for each in schema.get("anyOf", [schema])}

    def _length(self, name: str) -> int:
        return min([each.max_length for each in self.fields[name].metadata if isinstance(each, MaxLen)], default=255)


def _annotated(field: FieldInfo, metadata: Sequence[Any]) -> Any:
    annotation: Any = field.annotation
    for each in metadata:
        annotation = Annotated[annotation, each]
    return annotation


def _bare(annotation: Any) -> Any:
    """Return the class in ``Annotated[...]``, ``Optional[...]`` and ``... | None``."""
    origin = get_origin(annotation)
    if origin is Annotated or origin is Union or origin is UnionType:
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _parse_object_id(text: str) -> ObjectId | None:
    return ObjectId(text) if _OBJECT_ID.fullmatch(text) else None


_KEY_PARSERS: Mapping[type, Callable[[str], Any | None]] = {
    ObjectId: _parse_object_id,
    uuid.UUID: parse_uuid,
    int: lambda text: parse_integer(text, 64),
    str: parse_text,
}
