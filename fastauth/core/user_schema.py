"""What a backend says of the app's own user class, for all floors above it."""

from dataclasses import dataclass
from typing import Any

from fastauth.core.exceptions import ConfigurationError


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
        is_named: Whether users have a name besides their address; where they have none, it is their name.
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
    is_named: bool = True
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
