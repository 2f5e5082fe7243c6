"""What clients send and receive, as Pydantic models; those of users are made from the app's own user model."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from typing_extensions import NotRequired, TypedDict

from fastauth.core.models import Account, Role, Session, TokenPair
from fastauth.core.protocols import Store
from fastauth.core.user_schema import UserSchema
from fastauth.signin.password import PasswordCredentials

# Line breaks and tabs belong into an app's own longer texts; no other control character does.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _without_controls(value: Any) -> Any:
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("Control characters are not allowed.")
    return value


def _as_stored(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    # What is stored is not refused on the way out: one odd row would be in the way of all the others.
    try:
        return validate(value)
    except ValidationError:
        return value


class RequestModel(BaseModel):
    """A body of a request: what it does not name is refused, and no error repeats what was sent."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LivenessRead(BaseModel):
    """The process answers."""

    live: bool


class HealthCheckRead(BaseModel):
    """One thing that the app stands on."""

    name: str
    ok: bool
    detail: str = Field(description='"ok", or what is wrong.')


class HealthRead(BaseModel):
    """Whether the app can serve."""

    ready: bool
    checks: list[HealthCheckRead]


class TokenForm(PasswordCredentials):
    """The form of ``POST /token``, OAuth2's password flow (RFC 6749, 4.3.2). Other fields of it are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True)

    grant_type: str | None = Field(None, description='"password", or nothing.')


class RefreshBody(RequestModel):
    """The body of ``POST /token/refresh``; none is needed where the refresh token is in a cookie."""

    refresh_token: SecretStr


class PasswordChangeBody(RequestModel):
    """A new password, and the proof that it is the owner who sets it."""

    current_password: SecretStr = Field(min_length=1)
    new_password: SecretStr = Field(min_length=1)


class CloseBody(RequestModel):
    """The proof that it is the owner who closes an account."""

    current_password: SecretStr = Field(min_length=1)


class MailedTokenBody(RequestModel):
    """What was mailed."""

    token: SecretStr = Field(min_length=1)


class PasswordForgotBody(RequestModel):
    """Whose password was forgotten."""

    email: str = Field(min_length=1, max_length=255)


class PasswordResetBody(RequestModel):
    """What was mailed, and the password to set."""

    token: SecretStr = Field(min_length=1)
    new_password: SecretStr = Field(min_length=1)


class EmailChangeBody(RequestModel):
    """Another address, and the proof that it is the owner who asks."""

    new_email: str = Field(min_length=1, max_length=255)
    current_password: SecretStr = Field(min_length=1)


class LogoutAllBody(RequestModel):
    """Which sessions end."""

    others: bool = Field(False, description="Keep the session that asks.")


class AcceptedRead(BaseModel):
    """A request that is being seen to."""

    message: str


class SessionRead(BaseModel):
    """A sign-in that is still good.

    `last_used_at` is when its tokens were last refreshed.
    """

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip: str | None
    current: bool = Field(description="Whether it is the session that asks.")


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


class WebSocketTicketRead(BaseModel):
    """What opens one WebSocket, once, as the parameter `ticket` of its URL."""

    ticket: str
    expires_in: int = Field(description="Seconds until it opens nothing any more.")


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
    """Return the body of ``POST /register``: our fields, and those that the app declared writable."""
    fields: dict[str, Any] = {
        **({"username": (str, Field(min_length=1, max_length=255))} if schema.is_named else {}),
        "email": (str, Field(min_length=1, max_length=255)),
        "password": (SecretStr, Field(min_length=1)),
    }
    fields |= _writable(schema, required=True)
    return create_model(f"{schema.name}Register", __base__=RequestModel, **fields)


def update_model(schema: UserSchema) -> type[BaseModel]:
    """Return the body of ``PATCH /users/me``: the fields that the app declared writable."""
    return create_model(f"{schema.name}Update", __base__=RequestModel, **_writable(schema, required=False))


def admin_update_model(schema: UserSchema) -> type[BaseModel]:
    """Return the body of ``PATCH /users/{user_id}``: as for the user, and the address and ``disabled``."""
    fields: dict[str, Any] = {
        "email": (str, Field(default_factory=lambda: None, min_length=1, max_length=255)),
        "disabled": (bool, Field(default_factory=lambda: None)),
    }
    fields |= _writable(schema, required=False)
    return create_model(f"{schema.name}AdminUpdate", __base__=RequestModel, **fields)


def _writable(schema: UserSchema, *, required: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field in schema.writable:
        annotation: Any = Annotated[field.annotation, AfterValidator(_without_controls)]
        # Left out and None are two things: what is left out takes the model's own default, or stays.
        left_out: Any = Field() if required and field.required else Field(default_factory=lambda: None)
        fields[field.name] = (annotation, left_out)
    return fields


def user_model(schema: UserSchema) -> type[BaseModel]:
    """Return the user as JSON: what every user has, and the app's public fields."""
    fields: dict[str, Any] = {
        "id": (schema.id_type, ...),
        "username": (str, ...),
        "email": (str, ...),
        "disabled": (bool, ...),
        "roles": (list[str], ...),
    }
    for field in schema.public:
        shown: Any = field.annotation if field.shown is None else field.shown
        fields[field.name] = (Annotated[shown, WrapValidator(_as_stored)], ...)
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


class UserSchemas:
    """How the users of one store look in JSON.

    Args:
        store: Knows the app's user class.
    """

    def __init__(self, store: Store[Any]) -> None:
        self.schema: UserSchema = store.schema
        self.model: type[BaseModel] = user_model(store.schema)
        self._public_values = store.public_values

    def shown(self, account: Account[Any]) -> dict[str, Any]:
        """Return what :attr:`model` is made of."""
        return user_json(account, self._public_values(account.user))


def session_json(session: Session, *, current: Session | None) -> dict[str, Any]:
    """Return what :class:`SessionRead` is made of."""
    return {
        "id": session.id,
        "created_at": session.created_at,
        "last_used_at": session.rotated_at,
        "expires_at": session.expires_at,
        "user_agent": session.user_agent,
        "ip": session.ip,
        "current": current is not None and current.id == session.id,
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
