"""From exception to answer: the table of statuses, the one shape, and what happens without our handlers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.responses import PlainTextResponse

import fastauth
from fastauth import (
    ConfigurationError,
    ConflictException,
    FastAuth,
    FastAuthException,
    OverloadedException,
    RateLimitedException,
    StoreUnavailableException,
    ValidationException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.exceptions import REFUSALS
from fastauth.web.error_handlers import status_of
from tests.conftest import PASSWORD, client_of
from tests.web.helpers import app_of, refused

# The contract: it may grow, and no line of it ever changes.
CONTRACT = {
    "CredentialsException": ("INVALID_CREDENTIALS", 401),
    "TokenException": ("INVALID_TOKEN", 401),
    "RefreshTokenException": ("INVALID_REFRESH_TOKEN", 401),
    "InactiveUserException": ("INACTIVE_USER", 403),
    "PermissionDeniedException": ("PERMISSION_DENIED", 403),
    "EmailNotVerifiedException": ("EMAIL_NOT_VERIFIED", 403),
    "CSRFException": ("CSRF_FAILED", 403),
    "UserNotFoundException": ("USER_NOT_FOUND", 404),
    "RoleNotFoundException": ("ROLE_NOT_FOUND", 404),
    "SessionNotFoundException": ("SESSION_NOT_FOUND", 404),
    "UserExistsException": ("USER_EXISTS", 409),
    "RoleExistsException": ("ROLE_EXISTS", 409),
    "ProtectedRoleException": ("PROTECTED_ROLE", 409),
    "WeakPasswordException": ("WEAK_PASSWORD", 422),
    "BadRequestException": ("BAD_REQUEST", 400),
    "TooLargeException": ("TOO_LARGE", 413),
    "ValidationException": ("VALIDATION_ERROR", 422),
    "RateLimitedException": ("RATE_LIMITED", 429),
    "StoreUnavailableException": ("STORE_UNAVAILABLE", 503),
    "KeysUnavailableException": ("KEYS_UNAVAILABLE", 503),
    "OverloadedException": ("OVERLOADED", 503),
}


Make = Callable[..., FastAuth[Any]]


class QuotaException(ConflictException):
    """An error that an app has added to the tree."""

    code = "APP_QUOTA"
    default_message = "The quota is used up."


def below(error: type[FastAuthException]) -> Iterator[type[FastAuthException]]:
    for child in error.__subclasses__():
        if child.__module__.startswith("fastauth."):
            yield child
            yield from below(child)


def raising(app: FastAPI, error: Exception) -> None:
    @app.get("/raise")
    async def fail() -> None:
        raise error


@pytest.mark.parametrize("name", CONTRACT)
def test_every_error_of_the_contract_has_its_code_and_status(name: str) -> None:
    """Each error is public, and has the code and the status of the contract."""
    error = getattr(fastauth, name)
    code, status = CONTRACT[name]

    assert (error.code, status_of(error), status_of(error())) == (f"FASTAUTH_{code}", status, status)


def test_every_error_has_a_status_and_a_code_of_its_own() -> None:
    """No two classes of the tree share a code, each has a status, and each leaf stands in the contract."""
    tree = list(below(FastAuthException))
    leaves = {error.__name__ for error in tree if not list(below(error))}

    assert len({error.code for error in tree}) == len(tree)
    assert all(400 <= status_of(error) < 600 for error in tree)
    assert leaves - {"ConfigurationError"} <= CONTRACT.keys()


def test_refusals_are_the_answers_below_500() -> None:
    """What is measured as refused is what a client is to blame for, and all of it."""
    tree = [FastAuthException, *below(FastAuthException)]

    assert {error for error in tree if issubclass(error, REFUSALS)} == {
        error for error in tree if status_of(error) < 500
    }


@pytest.mark.parametrize("name", CONTRACT)
async def test_an_error_of_ours_in_a_route_of_the_app_has_its_status(make_auth: Make, name: str) -> None:
    """With the handlers, an error of ours that the app raises itself has its status, shape and headers."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, getattr(fastauth, name)("In the app's own words."))
    code, status = CONTRACT[name]

    async with client_of(app) as client:
        answer = await client.get("/raise")

    assert refused(answer, status, code)["message"] == "In the app's own words."


async def test_an_error_that_the_app_adds_to_the_tree_needs_nothing_more(make_auth: Make) -> None:
    """A subclass that the app adds has the status of its branch, and a code and message of its own."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, QuotaException())

    async with client_of(app) as client:
        answer = await client.get("/raise")

    assert answer.json() == {"error": {"code": "APP_QUOTA", "message": "The quota is used up.", "status_code": 409}}
    assert answer.status_code == 409


async def test_details_are_told(make_auth: Make) -> None:
    """A validation error tells its details, and one without any has no such key."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, ValidationException.of("city", "There is no such city.", "no_such_city"))

    async with client_of(app) as client:
        answer = await client.get("/raise")

    assert refused(answer, 422, "VALIDATION_ERROR")["details"] == [
        {"loc": ["body", "city"], "msg": "There is no such city.", "type": "no_such_city"}
    ]


@pytest.mark.parametrize(
    "error",
    [kind(retry_after=17) for kind in (RateLimitedException, StoreUnavailableException, OverloadedException)],
)
async def test_the_time_to_wait_is_told(make_auth: Make, error: FastAuthException) -> None:
    """Too many attempts, an outage and too much work say when to try again, in seconds."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, error)

    async with client_of(app) as client:
        answer = await client.get("/raise")

    assert answer.headers["retry-after"] == "17"


@pytest.mark.parametrize("error", [ConfigurationError("Set a key."), FastAuthException("Something.")])
async def test_a_mistake_in_the_app_is_no_answer(make_auth: Make, error: FastAuthException) -> None:
    """An error that says nothing to a client reaches the server as it is, and its message reaches nobody."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, error)

    async with client_of(app) as client:
        with pytest.raises(FastAuthException) as raised:
            await client.get("/raise")

    assert raised.value is error


async def test_the_apps_own_handler_of_http_errors_keeps_to_its_own(make_auth: Make) -> None:
    """With our handlers, a handler of the app for ``HTTPException`` gets its own errors and none of ours."""
    app = await app_of(make_auth(MemoryStore()))
    raising(app, HTTPException(404, "Nothing here."))

    @app.exception_handler(HTTPException)
    async def handle(_: Request, error: HTTPException) -> PlainTextResponse:
        return PlainTextResponse("theirs", error.status_code)

    async with client_of(app) as client:
        theirs = await client.get("/raise")
        ours = await client.get("/users/me")

    assert (theirs.status_code, theirs.text) == (404, "theirs")
    refused(ours, 401, "INVALID_TOKEN")


async def test_a_mounted_app_answers_for_itself(make_auth: Make) -> None:
    """In a mounted app with routes and handlers of ours, errors have their shape, whatever the outer app does."""
    inner = await app_of(make_auth(MemoryStore()))
    outer = FastAPI()
    outer.mount("/inner", inner)

    async with client_of(outer) as client:
        answer = await client.post("/inner/token", data={"username": "ada", "password": PASSWORD})

    refused(answer, 401, "INVALID_CREDENTIALS")


async def test_an_error_of_the_apps_own_dependency_on_our_routers_stays_its_own(make_auth: Make) -> None:
    """An ``HTTPException`` of a dependency that the app puts on our router is answered as the app said it."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()

    async def closed(request: Request) -> None:
        raise HTTPException(int(request.headers["x-status"]), "Closed for today.")

    app = FastAPI()
    app.include_router(auth.get_role_router(), dependencies=[Depends(closed)])
    auth.setup_exception_handlers(app)

    async with client_of(app) as client:
        answers = {status: await client.get("/roles", headers={"x-status": str(status)}) for status in (418, 400)}

    assert {status: answer.status_code for status, answer in answers.items()} == {418: 418, 400: 400}
    assert {answer.text for answer in answers.values()} == {'{"detail":"Closed for today."}'}
