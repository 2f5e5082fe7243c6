"""The error tree: every class has a code of its own and a place in the drawing."""

import copy
import pickle
import re
from collections.abc import Iterator

import pytest

from fastauth.core import exceptions
from fastauth.core.exceptions import (
    AuthenticationException,
    CredentialsException,
    FastAuthException,
    PermissionDeniedException,
    RateLimitedException,
    RefreshTokenException,
    RoleNotFoundException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserExistsException,
    ValidationException,
    WeakPasswordException,
)


def tree(root: type[FastAuthException]) -> Iterator[type[FastAuthException]]:
    """Yield a class of ours and all that derive from it, parents first."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("fastauth."):  # other tests make errors of their own
            yield from tree(child)


CLASSES = list(tree(FastAuthException))


def drawn() -> dict[str, str | None]:
    """Return the parent of each class, as the drawing in the module's docstring has it."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        match = re.match(r"^ {4}(?P<indent>[│ ]*(?:[├└]── )?)(?P<name>\w+(?:Exception|Error))\b", line)
        if match is not None:
            above = above[: len(match["indent"]) // 4]
            parents[match["name"]] = above[-1] if above else None
            above.append(match["name"])
    return parents


def test_every_class_is_drawn_where_it_stands() -> None:
    """The drawing in the docstring has every class below its parent, and no other."""
    assert drawn() == {
        each.__name__: None if each is FastAuthException else each.__bases__[0].__name__ for each in CLASSES
    }


def test_every_class_has_a_code_of_its_own() -> None:
    """Codes are unique, begin with the library's name, and are declared by each class itself."""
    codes = [vars(each)["code"] for each in CLASSES]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"FASTAUTH_[A-Z_]+", code) for code in codes)


@pytest.mark.parametrize("error_class", CLASSES)
def test_every_error_can_be_raised_without_arguments(error_class: type[FastAuthException]) -> None:
    """An error without a message says its own sentence."""
    error = error_class()

    assert error.message == str(error) == vars(error_class)["default_message"]
    assert error.message.endswith(".")


@pytest.mark.parametrize("error_class", CLASSES)
def test_every_error_takes_a_message(error_class: type[FastAuthException]) -> None:
    """An error with a message says that one."""
    assert str(error_class("The moon is out.")) == error_class("The moon is out.").message == "The moon is out."


@pytest.mark.parametrize(
    ("error", "evidence"),
    [
        (TooLargeException(limit=10), {"limit": 10}),
        (TokenException(reason="expired"), {"reason": "expired", "missing": False}),
        (TokenException(missing=True), {"reason": "", "missing": True}),
        (RefreshTokenException(reason="reused", reused=True), {"reason": "reused", "reused": True}),
        (PermissionDeniedException(required=["admin"]), {"required": frozenset({"admin"})}),
        (UserExistsException(field="email"), {"field": "email"}),
        (RateLimitedException(retry_after=7), {"retry_after": 7}),
        (StoreUnavailableException(retry_after=2), {"retry_after": 2}),
        (
            ValidationException.of("age", "Too young.", "too_young"),
            {"details": ({"loc": ["body", "age"], "msg": "Too young.", "type": "too_young"},)},
        ),
    ],
)
def test_errors_carry_evidence_in_fields_which_survive_a_copy(
    error: FastAuthException, evidence: dict[str, object]
) -> None:
    """What is known about an error stands in its fields, also after a trip to another process."""
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert {name: getattr(each, name) for name in evidence} == evidence
        assert str(each) == error.message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TooLargeException(limit=10), "The request body is larger than 10 bytes."),
        (TooLargeException(), "The request body is too large."),
        (TokenException(missing=True), "Not signed in: send an access token."),
        (UserExistsException(field="username"), "A user with this username already exists."),
        (ValidationException.of("age", "Too young."), "Too young."),
        (ValidationException(details=[]), "The request is not valid."),
        (
            ValidationException(details=[{"loc": ["body", name], "msg": "Bad.", "type": "x"} for name in "ab"]),
            "The request is not valid.",
        ),
        (WeakPasswordException.of("password", "Too short."), "Too short."),
    ],
)
def test_the_message_is_made_of_the_evidence(error: FastAuthException, message: str) -> None:
    """A message that was not given is made of what is known."""
    assert str(error) == message


def test_the_reason_of_a_refused_token_stays_out_of_its_message() -> None:
    """Why a token was refused is for the log, and never part of what the client reads."""
    assert "kid" not in str(TokenException(reason="unknown kid"))
    assert "kid" not in str(RefreshTokenException(reason="unknown kid"))


def test_a_missing_proof_is_caught_by_one_name() -> None:
    """Wrong credentials and bad tokens of both kinds are one family."""
    for error_class in (CredentialsException, TokenException, RefreshTokenException):
        assert issubclass(error_class, AuthenticationException)


def test_a_weak_password_is_built_from_its_field() -> None:
    """The builder for one field returns the class that it is called on."""
    assert type(WeakPasswordException.of("password", "Too short.")) is WeakPasswordException


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ((), "Role not found."),
        (("editor",), "Role not found: editor."),
        (("b", "a"), "Role not found: a, b."),
        (("\x1b[31m", "x" * 65, "\ud800"), "Role not found."),
    ],
)
def test_roles_that_are_not_there_are_named(roles: tuple[str, ...], message: str) -> None:
    """The roles that are missing are named, if they can be a role's name at all."""
    error = RoleNotFoundException(roles=roles)

    assert (error.roles, error.message) == (tuple(sorted(roles)), message)
