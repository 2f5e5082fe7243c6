"""What a backend says of the app's own user class, for all floors above it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from fastauth.core.exceptions import ConfigurationError

_ACTIVE = "is_active"


@dataclass(frozen=True, slots=True)
class UserField:
    """An attribute of the app's own user model that travels over HTTP.

    Attributes:
        annotation: The type of what is sent, as Pydantic validates and OpenAPI shows it; constraints come as
            ``Annotated``.
        required: Whether a new user must be given it.
        shown: The type of what is answered, without the constraints, which not all that is stored may keep; None is
            ``annotation``.
    """

    name: str
    annotation: Any
    required: bool = False
    shown: Any = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Under which names a user class has what is needed: ours, or those that fastapi-users gave it.

    Attributes:
        username: ``username``; or ``email``, where a class has no name besides the address.
        disabled: ``disabled``; or ``is_active``, which says the opposite.
    """

    username: str = "username"
    disabled: str = "disabled"

    @classmethod
    def of(cls, attributes: Collection[str]) -> "Shape":
        """Return the shape of a class with these attributes; ours where it has neither name."""
        is_theirs = _ACTIVE in attributes and "disabled" not in attributes
        nameless = is_theirs and "username" not in attributes
        return cls("email" if nameless else "username", _ACTIVE if is_theirs else "disabled")

    @property
    def needed(self) -> tuple[str, ...]:
        """The attributes that belong to us."""
        return tuple(dict.fromkeys((self.username, "email", "hashed_password", self.disabled)))

    @property
    def is_named(self) -> bool:
        """Whether users have a name besides the address."""
        return self.username == "username"

    def flag(self, *, disabled: bool) -> bool:
        """Return what the attribute :attr:`disabled` is for a user who is, or is not."""
        return disabled is (self.disabled == "disabled")

    def is_disabled(self, flag: Any) -> bool:
        """Say whether a user with this value is disabled; one without a value is not."""
        return flag is not None and bool(flag) is self.flag(disabled=True)

    def attribute(self, name: str) -> str:
        """Return what the attribute that we call so is called."""
        return {"username": self.username, "disabled": self.disabled}.get(name, name)

    def new(self, username: str, email: str, hashed_password: str) -> dict[str, Any]:
        """Return the attributes of a new user."""
        ours = {self.username: username, "email": email, "hashed_password": hashed_password}
        return {**ours, self.disabled: self.flag(disabled=False)}


RESERVED_FIELDS: frozenset[str] = frozenset(
    {"id", "username", "email", "disabled", "roles", "password", "hashed_password", "current_password", "new_password"}
)
"""The names that mean something of ours in what clients send and receive, and so none of the app's own attributes."""


@dataclass(frozen=True, slots=True)
class UserSchema:
    """What the HTTP floor has to know of the app's user model; a backend reads it off the model when it is built.

    Attributes:
        id_type: The type of the key in JSON: ``int`` is a number, everything else a string.
        public: The app's own attributes that user JSON shows.
        writable: The app's own attributes that a client may set.
        required: The attributes that a new user must be given, writable or not.
        username_max_length: In characters.
        email_max_length: In characters.
        shape: Under which names the model has what is needed.
        settable: All of the app's own attributes that a new user may be given; None where the backend does not say.

    Raises:
        ConfigurationError: An attribute that is public or writable has one of the :data:`RESERVED_FIELDS` as its name.
    """

    name: str
    id_type: type
    public: tuple[UserField, ...] = ()
    writable: tuple[UserField, ...] = ()
    required: tuple[str, ...] = ()
    username_max_length: int = 64
    email_max_length: int = 254
    shape: Shape = Shape()
    settable: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what one name would mean twice in JSON."""
        for option, fields in (("public_fields", self.public), ("writable_fields", self.writable)):
            for each in fields:
                if each.name in RESERVED_FIELDS:
                    raise ConfigurationError(
                        f"{option}: {self.name}.{each.name} cannot be named here, as clients know something of "
                        "FastAuth's by that name. Call the attribute something else, or leave it out of the option; "
                        "in the database it may keep its name."
                    )

    @property
    def is_named(self) -> bool:
        """Whether users have a name besides their address; where they have none, it is their name."""
        return self.shape.is_named
