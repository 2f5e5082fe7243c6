"""What clients send and receive, as Pydantic models; those of users are made from the app's own user model."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, create_model
from typing_extensions import NotRequired, TypedDict

from fastauth.core.models import Account, Role, TokenPair, UserSchema
from fastauth.signin.password import PasswordCredentials

# Line breaks and tabs belong into an app's own longer texts; no other control character does.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _without_controls(value: Any) -> Any:
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("Control characters are not allowed.")
    return value


class RequestModel(BaseModel):
    """A body of a request: what it does not name is refused, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class TokenForm(PasswordCredentials):
    """The form of ``POST /token``, OAuth2's password flow (RFC 6749, 4.3.2). Other fields of it are ignored."""

    model_config = ConfigDict(hide_input_in_errors=True)

    grant_type: str | None = Field(None, description='"password", or nothing.')


class RefreshBody(RequestModel):
    """The body of ``POST /token/refresh``; none is needed where the refresh token is in a cookie."""

    refresh_token: SecretStr


class RoleCreate(RequestModel):
    """A new role."""

    name: Annotated[str, AfterValidator(_without_controls)] = Field(min_length=1, max_length=64)
    description: Annotated[str, AfterValidator(_without_controls)] = Field("", max_length=255)


class RoleUpdate(RequestModel):
    """The changes to a role; what is left out stays."""

    name: Annotated[str, AfterValidator(_without_controls)] | None = Field(None, min_length=1, max_length=64)
    description: Annotated[str, AfterValidator(_without_controls)] | None = Field(None, max_length=255)


class RoleRead(BaseModel):
    """A role."""

    id: str
    name: str
    description: str


class TokenRead(BaseModel):
    """The tokens of a sign-in or a refresh. A refresh by cookie answers without them: they are in cookies again."""

    access_token: str | None = None
    token_type: str = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str | None = None


class KeyRead(TypedDict):
    """A public key as a JWK; which of the members it has depends on its kind."""

    kty: str
    use: str
    alg: str
    kid: str
    n: NotRequired[str]
    e: NotRequired[str]
    crv: NotRequired[str]
    x: NotRequired[str]
    y: NotRequired[str]


class KeySetRead(BaseModel):
    """The public keys that tokens are verified with, newest first."""

    keys: list[KeyRead]


class ErrorDetailRead(TypedDict):
    """One thing that is wrong with a request."""

    loc: list[str | int]
    msg: str
    type: str


class ErrorBody(TypedDict):
    """An error: its stable code, a sentence, the status, and (422 only) the details."""

    code: str
    message: str
    status_code: int
    details: NotRequired[list[ErrorDetailRead]]


class ErrorRead(BaseModel):
    """The one shape of every error."""

    error: ErrorBody


def register_model(schema: UserSchema) -> type[BaseModel]:
    """Return the body of ``POST /register``: our three fields, and those that the app declared writable."""
    fields: dict[str, Any] = {
        "username": (str, Field(min_length=1, max_length=255)),
        "email": (str, Field(min_length=1, max_length=255)),
        "password": (SecretStr, Field(min_length=1)),
    }
    for field in schema.writable:
        annotation: Any = Annotated[field.annotation, AfterValidator(_without_controls)]
        # Left out and None are two things: what is left out takes the model's own default.
        fields[field.name] = (annotation, Field() if field.required else Field(default_factory=lambda: None))
    return create_model(f"{schema.name}Register", __base__=RequestModel, **fields)


def user_model(schema: UserSchema) -> type[BaseModel]:
    """Return the user as JSON: what every user has, and the app's public fields."""
    fields: dict[str, Any] = {
        "id": (schema.id_type, ...),
        "username": (str, ...),
        "email": (str, ...),
        "disabled": (bool, ...),
        "roles": (list[str], ...),
    }
    fields.update({field.name: (field.annotation, ...) for field in schema.public})
    return create_model(f"{schema.name}Read", **fields)


def user_json(account: Account[Any], public_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model of :func:`user_model` is made of."""
    return {
        **public_values,
        "username": account.username,
        "email": account.email,
        "disabled": account.disabled,
        "roles": sorted(account.roles),
    }


def role_json(role: Role) -> dict[str, str]:
    """Return what :class:`RoleRead` is made of."""
    return {"id": role.id, "name": role.name, "description": role.description}


def token_json(pair: TokenPair, *, with_tokens: bool) -> dict[str, str | int]:
    """Return what :class:`TokenRead` is made of."""
    answer: dict[str, str | int] = {"token_type": "bearer", "expires_in": pair.expires_in}
    if with_tokens:
        answer |= {"access_token": pair.access_token, "refresh_token": pair.refresh_token}
    return answer
