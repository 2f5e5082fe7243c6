"""What clients send and receive: made from the user model, closed, and silent about what was sent."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import pytest
from annotated_types import MaxLen
from pydantic import BaseModel, SecretStr, ValidationError

from fastauth import Account, Role, TokenPair
from fastauth.core.user_schema import RESERVED_FIELDS, Shape, UserField, UserSchema
from fastauth.web import schemas
from fastauth.web.schemas import (
    CloseBody,
    EmailChangeBody,
    LogoutAllBody,
    MailedTokenBody,
    PasswordChangeBody,
    PasswordForgotBody,
    PasswordResetBody,
    RefreshBody,
    RequestModel,
    RoleCreate,
    RoleUpdate,
    TokenForm,
    admin_update_model,
    register_model,
    role_json,
    token_json,
    update_model,
    user_json,
    user_model,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": "secret words"}
SCHEMA = UserSchema(
    name="Member",
    id_type=str,
    public=(UserField("city", str | None), UserField("born", date)),
    writable=(
        UserField("first_name", Annotated[str, MaxLen(10)], required=True),
        UserField("city", str | None),
        UserField("age", int),
    ),
)
REQUESTS: list[type[BaseModel]] = [
    TokenForm,
    RefreshBody,
    PasswordChangeBody,
    CloseBody,
    MailedTokenBody,
    PasswordForgotBody,
    PasswordResetBody,
    EmailChangeBody,
    LogoutAllBody,
    RoleCreate,
    RoleUpdate,
    register_model(SCHEMA),
    update_model(SCHEMA),
    admin_update_model(SCHEMA),
]
SECRETS = {"password", "current_password", "new_password", "token", "refresh_token"}


def test_every_model_of_a_request_is_looked_at() -> None:
    """The tests below walk every model of a request that there is."""
    named = {model for model in vars(schemas).values() if isinstance(model, type) and issubclass(model, RequestModel)}

    assert named - {RequestModel} <= set(REQUESTS)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_an_error_does_not_repeat_what_was_sent(model: type[BaseModel]) -> None:
    """The text of a validation error of a request holds no input, whatever is wrong with it."""
    values = {name: ["MARKER"] for name in model.model_fields}

    with pytest.raises(ValidationError) as raised:
        model.model_validate(values)

    assert "MARKER" not in str(raised.value)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_a_secret_stays_out_of_the_repr(model: type[BaseModel]) -> None:
    """Passwords and tokens are secret fields, which no ``repr`` of a request shows."""
    secret = [name for name in model.model_fields if name in SECRETS]

    assert all(model.model_fields[name].annotation is SecretStr for name in secret)


@pytest.mark.parametrize("model", [model for model in REQUESTS if model is not TokenForm])
def test_r_az_2_an_unknown_field_is_refused(model: type[BaseModel]) -> None:
    """Every JSON body refuses a field that it does not name."""
    with pytest.raises(ValidationError) as raised:
        model.model_validate({"unknown": 1})

    assert ("unknown",) in [error["loc"] for error in raised.value.errors() if error["type"] == "extra_forbidden"]


def test_a_registration_is_made_of_our_fields_and_the_writable_ones() -> None:
    """A registration has our three fields and the writable ones; what may be left out is known from what is null."""
    model = register_model(SCHEMA)

    full: Any = model.model_validate({**ADA, "first_name": "Ada", "city": None, "age": 36})
    short: Any = model.model_validate({**ADA, "first_name": "Ada"})

    assert model.__name__ == "MemberRegister"
    assert list(model.model_fields) == ["username", "email", "password", "first_name", "city", "age"]
    assert full.model_fields_set == model.model_fields.keys()
    assert short.model_fields_set == ADA.keys() | {"first_name"}
    assert (full.city, full.age, full.password.get_secret_value()) == (None, 36, "secret words")


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("first_name", "x" * 11, "string_too_long"),
        ("first_name", "a\x00", "value_error"),
        ("first_name", "a\x1f", "value_error"),
        ("first_name", "a\x7f", "value_error"),
        ("first_name", "a\x85", "value_error"),
        ("city", "a\x0b", "value_error"),
        ("age", None, "int_type"),
        ("age", "MARKER", "int_parsing"),
        ("age", float("nan"), "finite_number"),
    ],
)
def test_a_writable_field_takes_what_its_column_takes(field: str, value: Any, kind: str) -> None:
    """A writable field keeps its type and length, and takes no control characters."""
    with pytest.raises(ValidationError) as raised:
        register_model(SCHEMA).model_validate({**ADA, "first_name": "Ada", field: value})

    assert [(error["loc"], error["type"]) for error in raised.value.errors()] == [((field,), kind)]


@pytest.mark.parametrize("text", ["two\nlines", "a\ttab", "\r\n", "\u00e9\U0001f600\u200d"])
def test_line_breaks_and_tabs_belong_to_texts(text: str) -> None:
    """Line breaks and tabs are no control characters that a longer text could not have."""
    assert RoleCreate.model_validate({"name": "x", "description": text}).description == text


def test_a_user_is_shown_with_its_public_fields_only() -> None:
    """The JSON of a user is what every user has and the public fields, roles by name; no hash is near it."""
    account = Account("7", "ada", "ada@example.com", "a hash", disabled=False, roles=frozenset("cab"), user=object())
    values = {"id": "7", "city": None, "born": date(1815, 12, 10), "first_name": "hidden"}

    shown = user_model(SCHEMA).model_validate(user_json(account, values)).model_dump(mode="json")

    assert shown == {
        "id": "7",
        "username": "ada",
        "email": "ada@example.com",
        "disabled": False,
        "roles": ["a", "b", "c"],
        "city": None,
        "born": "1815-12-10",
    }


def test_the_id_has_the_type_of_the_model() -> None:
    """An integer key is a number in JSON."""
    assert user_model(UserSchema(name="User", id_type=int)).model_json_schema()["properties"]["id"]["type"] == "integer"


def test_roles_and_tokens_as_json() -> None:
    """A role is its three fields; a pair is told in full, or without its tokens where they are in cookies."""
    pair = TokenPair("session", "access", "refresh", 1800, 604800)

    assert role_json(Role("1", "admin", "May.")) == {"id": "1", "name": "admin", "description": "May."}
    assert token_json(pair, with_tokens=False) == {"token_type": "bearer", "expires_in": 1800}
    assert token_json(pair, with_tokens=True) == {
        "token_type": "bearer",
        "expires_in": 1800,
        "access_token": "access",
        "refresh_token": "refresh",
    }


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("make", [register_model, update_model, admin_update_model, user_model])
def test_every_name_of_ours_beside_an_apps_own_is_reserved(
    make: Callable[[UserSchema], type[BaseModel]], *, is_named: bool
) -> None:
    """What users are sent and shown has no name of ours that an app could give to an attribute of its own."""
    assert (
        make(UserSchema("Member", int, shape=Shape("username" if is_named else "email"))).model_fields.keys()
        <= RESERVED_FIELDS
    )
    assert PasswordChangeBody.model_fields.keys() <= RESERVED_FIELDS


def test_a_value_of_another_type_is_shown_as_it_is() -> None:
    """What does not even have the type that the model says is shown: it would be in the way of all the other users."""
    shown = user_model(SCHEMA).model_validate(
        {**ADA, "id": "1", "disabled": False, "roles": [], "city": "x", "born": 7.5}
    )

    with pytest.warns(UserWarning, match="Expected `date`"):
        assert shown.model_dump(mode="json")["born"] == 7.5
