"""The rows R-HT of the security requirements: HTTP, on every route that is mounted."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from httpx2 import AsyncClient, Response

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from fastauth.web.routing import AuthRoute
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.outbox import Outbox, settle
from tests.security.operations import Operation, operations_of
from tests.security.test_r_az import ROUTES
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, SAFE_HEADERS, challenge, make_user, refresh, refused, try_sign_in

Walk = list[tuple[Operation, Response]]


@pytest.fixture
async def auth(make_auth: Callable[..., FastAuth[Any]]) -> FastAuth[Any]:
    """A ``FastAuth`` that mails, in memory: none of this depends on the store."""
    auth = make_auth(MemoryStore(), notifier=Outbox())
    await auth.initialize_db()
    return auth


@pytest.fixture
def app(auth: FastAuth[Any]) -> FastAPI:
    """An app with every route, those of mails and of health included."""
    app = FastAPI()
    auth.setup(app, health=True)
    return app


@pytest.fixture
async def walk(auth: FastAuth[Any], app: FastAPI) -> AsyncGenerator[Walk, None]:
    """Every operation as it answers nobody, somebody with a bad token, and a superadmin of its own."""
    answers: Walk = []
    async with client_of(app) as client:
        for number, operation in enumerate(operations_of(app)):
            _, superadmin = await make_user(auth, "superadmin", username=f"root{number}")
            for headers in ({}, bearer("garbage"), superadmin):
                answers.append((operation, await operation.call(client, headers)))
        await settle(auth)
        yield answers


def test_the_walk_leaves_no_route_out(app: FastAPI) -> None:
    """The rows below are about every route there can be, those that go by mail included."""
    walked = {str(operation) for operation in operations_of(app)}

    assert len(walked) == len(ROUTES) + 2
    assert walked >= ROUTES.keys()


async def test_r_ht_1_answers_with_tokens_are_not_stored(client: AsyncClient) -> None:
    """Sign-in and refresh, good or bad, have ``Cache-Control: no-store`` and ``Pragma: no-cache``."""
    await register(client)
    tokens = await sign_in(client)

    answers = [
        await try_sign_in(client),
        await try_sign_in(client, password="wrong"),
        await refresh(client, tokens["refresh_token"]),
        await refresh(client, "garbage"),
        await client.post("/token/refresh"),
        await client.post("/token"),
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 200, 401, 401, 422]
    assert all(answer.headers.items() >= SAFE_HEADERS.items() for answer in answers)


async def test_r_ht_2_no_answer_is_stored(walk: Walk) -> None:
    """Every answer of every route has ``Cache-Control: no-store``, signed in or not."""
    assert {200, 401} <= {answer.status_code for _, answer in walk}
    assert all(answer.headers.get_list("cache-control") == ["no-store"] for _, answer in walk)


async def test_r_ht_3_every_401_has_a_challenge(app: FastAPI, walk: Walk) -> None:
    """Every 401 of every guarded route says ``Bearer``, with an error where a bad token was sent and with none else."""
    guarded = [answers for answers in zip(*[iter(walk)] * 3, strict=True) if answers[0][0].guarded]

    assert len(guarded) >= 10
    for (_, nobody), (_, somebody), _ in guarded:
        assert (nobody.status_code, challenge(nobody)) == (401, NO_TOKEN)
        assert (somebody.status_code, challenge(somebody)) == (401, BAD_TOKEN)
    for _, answer in walk:
        assert (answer.status_code == 401) <= answer.headers.get("www-authenticate", "").startswith("Bearer")


async def test_r_ht_4_what_is_wrong_with_a_request_has_its_status(
    auth: FastAuth[Any], app: FastAPI, client: AsyncClient
) -> None:
    """What cannot be read is 400, a bad token 401 ``invalid_token``, a missing role 403 ``insufficient_scope``."""
    _, headers = await make_user(auth)
    token = headers["Authorization"]

    unreadable = await client.get("/users/me", headers=[("Authorization", token), ("Authorization", token)])
    invalid = await client.get("/users/me", headers=bearer("garbage"))
    insufficient = await client.post("/roles", json={"name": "x"}, headers=headers)

    refused(unreadable, 400, "BAD_REQUEST")
    refused(invalid, 401, "INVALID_TOKEN")
    refused(insufficient, 403, "PERMISSION_DENIED")
    assert challenge(invalid) == 'Bearer error="invalid_token"'
    assert challenge(insufficient) == 'Bearer error="insufficient_scope"'


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"username": "ada", "password": "wrong"}, 401, "INVALID_CREDENTIALS"),
        ({"username": "nobody", "password": PASSWORD}, 401, "INVALID_CREDENTIALS"),
        ({"username": "ada", "password": PASSWORD, "grant_type": "client_credentials"}, 400, "BAD_REQUEST"),
        ({"username": "ada", "password": [PASSWORD, PASSWORD]}, 400, "BAD_REQUEST"),
        ({"username": "ada"}, 422, "VALIDATION_ERROR"),
        ({}, 422, "VALIDATION_ERROR"),
    ],
)
async def test_r_ht_5_errors_of_the_token_route_have_one_shape(
    client: AsyncClient, form: dict[str, Any], status: int, code: str
) -> None:
    """Errors of ``POST /token`` are JSON in the one shape of all errors, with a stable code, and echo nothing."""
    await register(client)

    answer = await client.post("/token", data=form)

    refused(answer, status, code)
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("form", [{"grant_type": ""}, {"grant_type": "password"}, {"unknown": "x", "scope": "a b"}])
async def test_r_ht_6_empty_is_omitted_and_unknown_is_ignored(client: AsyncClient, form: dict[str, str]) -> None:
    """An empty ``grant_type`` counts as none, and fields that the sign-in does not know are ignored."""
    await register(client)

    assert (await try_sign_in(client, **form)).status_code == 200


async def test_r_ht_6_a_parameter_of_the_query_is_not_repeated() -> None:
    """On a route of ours a parameter that it reads is refused when it is repeated; others are not looked at."""

    async def paged(limit: int = 1) -> int:
        return limit

    router = APIRouter(route_class=AuthRoute)
    router.get("/direct")(paged)
    app = FastAPI()
    app.include_router(router)

    async with client_of(app) as client:
        once = await client.get("/direct?limit=2&other=1&other=2")
        twice = await client.get("/direct?limit=2&limit=3")
        disguised = await client.get("/direct?limit=2&%6cimit=3")

    assert (once.status_code, once.json()) == (200, 2)
    assert (twice.status_code, disguised.status_code) == (400, 400)


async def test_r_ht_13_nothing_changes_on_a_safe_method(app: FastAPI) -> None:
    """Sign-in, refresh, sign-out, registration and every change are ``POST``, ``PUT``, ``PATCH`` or ``DELETE`` only."""
    reading = {str(operation) for operation in operations_of(app) if operation.method in {"GET", "HEAD", "OPTIONS"}}

    assert {"GET /users/me", "GET /roles"} <= reading
    assert not any(
        word in path for path in reading for word in ("token", "logout", "register", "password", "verify", "email")
    )


async def test_r_ht_13_a_wrong_method_is_told_the_right_ones(app: FastAPI, client: AsyncClient) -> None:
    """Every path answers a method it has not with 405, and names in ``Allow`` all those that it has."""
    operations = operations_of(app)
    methods: dict[str, set[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, set()).add(operation.method)

    for path, allowed in methods.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"} - allowed:
            answer = await Operation(method, path, {}).call(client)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) >= allowed, (method, path)
            assert answer.headers.items() >= SAFE_HEADERS.items()
    assert (await client.delete("/roles")).headers["allow"] == "GET, POST"


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_r_ht_13_allow_is_right_under_a_prefix_and_in_a_mounted_app(auth: FastAuth[Any], prefix: str) -> None:
    """Under a prefix, in a mounted app, and beside a route of the app itself, ``Allow`` names all methods."""
    inner, outer = FastAPI(), FastAPI()
    auth.setup(inner, prefix=prefix)

    @inner.patch(f"{prefix}/roles")
    async def own() -> None: ...

    outer.mount("/sub", inner)

    async with client_of(outer) as client:
        answer = await client.delete(f"/sub{prefix}/roles")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, POST")


async def test_r_ht_14_every_answer_says_what_it_is(walk: Walk) -> None:
    """Every answer has ``nosniff``, and is exactly ``application/json`` or has no body and no type."""
    for operation, answer in walk:
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], operation
        types = answer.headers.get_list("content-type")
        assert types == (["application/json"] if answer.content else []), operation
        assert (answer.status_code == 204) == (not answer.content), operation


async def test_r_ht_15_no_error_tells_what_is_inside(walk: Walk) -> None:
    """Every error is one of the contract, and names no class, no file and no statement."""
    for operation, answer in walk:
        if answer.status_code >= 400:
            refused(answer, answer.status_code, answer.json()["error"]["code"].removeprefix("FASTAUTH_"))
            assert not any(word in answer.text for word in ("Traceback", ".py", "Exception", "SELECT")), operation


async def test_r_ht_17_nothing_redirects(app: FastAPI, walk: Walk) -> None:
    """No route redirects, and none takes an address to send the visitor to."""
    parameters = {
        parameter["name"] for operation in operations_of(app) for parameter in operation.document.get("parameters", [])
    }

    assert not any(300 <= answer.status_code < 400 or "location" in answer.headers for _, answer in walk)
    assert not {"next", "redirect", "redirect_uri", "return_to", "url", "continue"} & parameters
