"""The OpenAPI document: a padlock on every guarded route, and a token URL that is right wherever the route is."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel

from fastauth import Account, FastAuth
from fastauth.backends.memory import MemoryStore
from tests.outbox import Outbox

Make = Callable[..., FastAuth[Any]]
PADLOCK = [{"FastAuth": []}]


@pytest.fixture
def auth(make_auth: Make) -> FastAuth[Any]:
    """The document does not depend on the store."""
    return make_auth(MemoryStore(), notifier=Outbox())


def operations_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_guarded_route_of_ours_has_a_padlock(auth: FastAuth[Any], app: FastAPI) -> None:
    """Exactly those of our routes that need a token show the padlock, with one and the same scheme."""
    operations = operations_of(app.openapi())

    open_routes = {name for name, operation in operations.items() if "security" not in operation}
    assert open_routes == {
        "POST /token",
        "POST /token/refresh",
        "POST /register",
        "POST /email/verify",
        "POST /email/change/confirm",
        "POST /password/forgot",
        "POST /password/reset",
    }
    assert {str(operation.get("security", PADLOCK)) for operation in operations.values()} == {str(PADLOCK)}
    assert app.openapi()["components"]["securitySchemes"] == {
        "FastAuth": {"type": "oauth2", "flows": {"password": {"scopes": {}, "tokenUrl": "/token"}}}
    }


def test_every_dependency_brings_its_padlock(auth: FastAuth[Any], app: FastAPI) -> None:
    """A route of the app with any of our dependencies shows the padlock, and takes no parameter for it."""
    dependencies: dict[str, Any] = {
        "current_user": auth.current_user,
        "optional_user": auth.optional_user,
        "verified_user": auth.verified_user,
        "current_account": auth.current_account,
        "current_claims": auth.current_claims,
        "require_roles": auth.require_roles(["admin"]),
        "require_all_roles": auth.require_all_roles(["admin"]),
        "is_admin": auth.is_admin(),
        "older_name": auth.get_current_active_user_dependency(),
    }

    def add(name: str, dependency: Any) -> None:
        @app.get(f"/value/{name}")
        async def takes_it(value: Any = Depends(dependency)) -> None: ...

        @app.get(f"/guard/{name}", dependencies=[Depends(dependency), Depends(auth.current_user)])
        async def stands_behind_it() -> None: ...

    for name, dependency in dependencies.items():
        add(name, dependency)
    operations = operations_of(app.openapi())

    for name in dependencies:
        for route in (f"GET /value/{name}", f"GET /guard/{name}"):
            assert operations[route]["security"] == PADLOCK
            assert "parameters" not in operations[route]


def test_bodies_are_documented(app: FastAPI) -> None:
    """Each body is documented with its media type, and the errors with the one shape of all errors."""
    document = app.openapi()
    operations = operations_of(document)
    bodies = {
        name: {media: content["schema"] for media, content in operation["requestBody"]["content"].items()}
        for name, operation in operations.items()
        if "requestBody" in operation
    }

    assert bodies.keys() == {
        "POST /token",
        "POST /token/refresh",
        "POST /register",
        "PATCH /users/me",
        "DELETE /users/me",
        "POST /password/change",
        "POST /password/forgot",
        "POST /password/reset",
        "POST /email/verify",
        "POST /email/change",
        "POST /email/change/confirm",
        "POST /logout/all",
        "PATCH /users/{user_id}",
        "POST /roles",
        "PUT /roles/{role_id}",
    }
    assert bodies["POST /token"].keys() == {"application/x-www-form-urlencoded"}
    assert bodies["POST /register"] == {"application/json": {"$ref": "#/components/schemas/UserRegister"}}
    assert document["components"]["schemas"]["UserRegister"]["properties"]["password"]["format"] == "password"
    for name, operation in operations.items():
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert errors, name
        assert {answer["content"]["application/json"]["schema"]["$ref"] for answer in errors.values()} == {
            "#/components/schemas/ErrorRead"
        }
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_answers_of_the_contract_are_documented(app: FastAPI) -> None:
    """Every status of the contract is documented on its route."""
    documented = {name: set(operation["responses"]) for name, operation in operations_of(app.openapi()).items()}

    reading, writing = {"200", "401", "403", "503"}, {"401", "403", "422", "503"}
    for name, statuses in {
        "POST /token": {"200", "400", "401", "403", "413", "422", "429", "503"},
        "POST /token/refresh": {"200", "400", "401", "403", "413", "422", "429", "503"},
        "POST /register": {"201", "400", "409", "413", "422", "429", "503"},
        "GET /users/me": reading,
        "POST /logout": {"204", "400", "401", "503"},
        "GET /roles": reading,
        "GET /roles/{role_id}": {*reading, "404"},
        "POST /roles": {*writing, "201", "409", "413"},
        "PUT /roles/{role_id}": {*writing, "200", "404", "409", "413"},
        "DELETE /roles/{role_id}": {*writing, "204", "404", "409"},
        "POST /users/{user_id}/roles/{role_id}": {*writing, "204", "404"},
        "DELETE /users/{user_id}/roles/{role_id}": {*writing, "204", "404", "409"},
        "GET /users/{user_id}/roles": {*reading, "404"},
        "PATCH /users/me": {*writing, "200", "409", "413"},
        "DELETE /users/me": {*writing, "204", "409", "413"},
        "POST /password/change": {*writing, "204", "413"},
        "POST /password/forgot": {"202", "400", "413", "422", "503"},
        "POST /password/reset": {"204", "400", "401", "413", "422", "503"},
        "POST /email/verify/request": {"202", "401", "403", "503"},
        "POST /email/verify": {"204", "400", "401", "413", "422", "503"},
        "POST /email/change": {*writing, "202", "409", "413"},
        "POST /email/change/confirm": {"204", "400", "401", "409", "413", "422", "503"},
        "GET /sessions": reading,
        "DELETE /sessions/{session_id}": {*writing, "204", "404"},
        "POST /ws/ticket": {*reading, "400"},
        "POST /logout/all": {*writing, "204", "413"},
        "GET /users": {*reading, "422"},
        "GET /users/{user_id}": {*reading, "404"},
        "PATCH /users/{user_id}": {*writing, "200", "404", "409", "413"},
        "DELETE /users/{user_id}": {*writing, "204", "404", "409"},
        "GET /users/{user_id}/sessions": {*reading, "404"},
        "DELETE /users/{user_id}/sessions": {*writing, "204", "404"},
    }.items():
        assert documented.pop(name) >= statuses, name
    assert documented == {}


class PinCredentials(BaseModel):
    pin: str


class PinSignIn:
    """Sign in with a pin."""

    name = "one-pin"
    credentials = PinCredentials

    async def authenticate(self, credentials: PinCredentials, /) -> Account[Any]:
        raise NotImplementedError


def test_a_further_way_to_sign_in_is_documented(make_auth: Make) -> None:
    """A further way to sign in is documented with its body, its docstring and the errors of a sign-in."""
    app = FastAPI()
    make_auth(MemoryStore(), sign_in_methods=[PinSignIn()], token_url="/session").setup(app)

    operations = operations_of(app.openapi())

    operation = operations["POST /session/one-pin"]
    assert (operation["summary"], operation["description"]) == ("Sign in: one pin", "Sign in with a pin.")
    assert operation["requestBody"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/PinCredentials"}}
    }
    assert operation["responses"].keys() == operations["POST /session"]["responses"].keys()
    assert "security" not in operation


@pytest.mark.parametrize("use_cookie", [False, True])
@pytest.mark.parametrize("options", [{}, {"exclude": ["list_users"]}])
def test_the_check_against_other_sites_is_documented_where_it_is_made(
    use_cookie: bool, options: dict[str, Any], make_auth: Any
) -> None:
    """With cookies, each route that changes something for who is signed in has it, and sign-ins; without, none."""
    auth = make_auth(MemoryStore(), notifier=Outbox(), use_cookie=use_cookie)
    app = FastAPI()
    auth.setup(app, **options)

    operations = operations_of(app.openapi())

    documented = {
        name
        for name, operation in operations.items()
        if "CSRF_FAILED" in operation["responses"].get("403", {}).get("description", "")
    }
    guarded = {name for name, each in operations.items() if "security" in each and not name.startswith("GET ")}
    assert documented == ({*guarded, "POST /token", "POST /token/refresh"} if use_cookie else set())
