"""An app that has not installed our handlers: right statuses, plain details, and its own errors untouched."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import PlainTextResponse

from fastauth import (
    FastAuth,
    StoreUnavailableException,
)
from fastauth.backends.memory import MemoryStore
from tests.conftest import client_of
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, SAFE_HEADERS, FailingStore, app_of, challenge, make_user

Make = Callable[..., FastAuth[Any]]


@pytest.mark.parametrize("handlers", [True, False])
async def test_the_apps_own_validation_errors_stay_as_they_are(make_auth: Make, handlers: bool) -> None:
    """A malformed request to a route of the app is answered by the framework, with our handlers or without."""
    app = await app_of(make_auth(MemoryStore()), handlers=handlers)

    async with client_of(app) as client:
        answer = await client.post("/orders", json={"amount": "much"})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "amount"]
    assert "cache-control" not in answer.headers


@pytest.mark.parametrize("handlers", [True, False])
async def test_the_apps_own_validation_handler_never_sees_our_requests(make_auth: Make, handlers: bool) -> None:
    """A handler of the app for validation errors is asked for its own routes, and never for ours."""
    app = await app_of(make_auth(MemoryStore()), handlers=handlers)

    @app.exception_handler(RequestValidationError)
    async def handle(_: Request, error: RequestValidationError) -> PlainTextResponse:
        return PlainTextResponse(str(error.body), 418)

    async with client_of(app) as client:
        theirs = await client.post("/orders", json={"amount": "much"})
        ours = await client.post("/register", json={"username": "ada", "password": "MARKER"})

    assert theirs.status_code == 418
    assert ours.status_code == 422
    assert "MARKER" not in ours.text


async def test_without_handlers_statuses_are_right_and_details_plain(make_auth: Make) -> None:
    """Without our handlers our routes answer with the same statuses and headers, and a plain ``detail``."""
    auth = make_auth(MemoryStore())
    app = await app_of(auth, handlers=False)
    _, admin = await make_user(auth, "admin", username="boss")
    user, mine = await make_user(auth)
    superadmin = next(role.id for role in await auth.roles.list() if role.name == "superadmin")
    form = {"username": "ada", "password": "wrong"}
    json = {"content-type": "application/json"}

    async with client_of(app) as client:
        answers = {
            400: await client.post("/token/refresh", content="{", headers=json),
            401: await client.post("/token", data=form),
            403: await client.post(f"/users/{user.id}/roles/{superadmin}", headers=admin),
            404: await client.get("/roles/unknown", headers=mine),
            409: await client.delete(f"/roles/{superadmin}", headers=admin),
            413: await client.post("/register", content=b"x" * 70_000, headers=json),
            422: await client.post("/register", json={"username": "ada", "password": "MARKER"}),
        }

    for status, answer in answers.items():
        assert (answer.status_code, answer.json().keys()) == (status, {"detail"})
        assert isinstance(answer.json()["detail"], str)
        assert answer.headers.items() >= SAFE_HEADERS.items()
        assert "MARKER" not in answer.text
    assert challenge(answers[401]) == NO_TOKEN


async def test_without_handlers_our_dependencies_refuse_in_the_apps_routes(make_auth: Make) -> None:
    """Without our handlers our dependencies still refuse in the app's own routes, with status and challenge."""
    store = FailingStore(MemoryStore())
    auth = make_auth(store)
    app = await app_of(auth, handlers=False)
    _, headers = await make_user(auth)

    @app.get("/mine", dependencies=[Depends(auth.current_user)])
    async def mine() -> None: ...

    @app.get("/admins", dependencies=[Depends(auth.is_admin())])
    async def admins() -> None: ...

    async with client_of(app) as client:
        nobody = await client.get("/mine")
        bad = await client.get("/mine", headers={"Authorization": "Bearer garbage"})
        denied = await client.get("/admins", headers=headers)
        store.error = StoreUnavailableException()
        outage = await client.get("/mine", headers=headers)

    assert [answer.status_code for answer in (nobody, bad, denied, outage)] == [401, 401, 403, 503]
    assert (challenge(nobody), challenge(bad)) == (NO_TOKEN, BAD_TOKEN)
    assert all(answer.json().keys() == {"detail"} for answer in (nobody, bad, denied, outage))
    assert outage.headers["retry-after"] == "1"
