"""Which of our routes an app has, and where."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

from fastauth import ConfigurationError, FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import bearer, client_of, register, sign_in
from tests.outbox import Outbox

Make = Callable[..., FastAuth[Any]]
MAILED = {
    "/email/verify/request",
    "/email/verify",
    "/email/change",
    "/email/change/confirm",
    "/password/forgot",
    "/password/reset",
}


def paths_of(auth: FastAuth[Any], **selection: Any) -> set[str]:
    """Return the paths of an app that is set up with this selection."""
    app = FastAPI()
    auth.setup(app, **selection)
    return set(app.openapi()["paths"])


def test_without_a_selection_there_is_everything(make_auth: Make) -> None:
    """All routes are there; those that need a mail, where there is a notifier, and /register, where it is open."""
    everything = paths_of(make_auth(MemoryStore(), notifier=Outbox()))

    assert everything >= MAILED
    assert everything - paths_of(make_auth(MemoryStore())) == MAILED
    closed = make_auth(MemoryStore(), notifier=Outbox(), registration=False)
    assert everything - paths_of(closed) == {"/register"}


def test_routes_are_chosen_by_the_names_of_their_handlers(make_auth: Make) -> None:
    """``include`` takes some, ``exclude`` leaves some out, and both can be combined."""
    auth = make_auth(MemoryStore(), notifier=Outbox())

    assert paths_of(auth, include=["sign_in", "read_me"]) == {"/token", "/users/me"}
    assert "/register" not in paths_of(auth, exclude=["register"])
    assert len(paths_of(auth)) - len(paths_of(auth, exclude=["register"])) == 1
    assert paths_of(auth, include=["sign_in", "read_me"], exclude=["read_me"]) == {"/token"}


async def test_a_route_can_be_somewhere_else(make_auth: Make) -> None:
    """``paths`` moves routes, under the prefix like the others, and they work there."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    app = FastAPI()
    moved = {"read_me": "/me", "end_session": "/devices/{session_id}", "list_sessions": "/devices"}
    auth.setup(app, prefix="/auth", paths=moved)

    async with client_of(app, base_url="https://testserver/auth") as client:
        await register(client)
        tokens = await sign_in(client)
        me = await client.get("/me", headers=bearer(tokens))
        (device,) = (await client.get("/devices", headers=bearer(tokens))).json()
        ended = await client.delete(f"/devices/{device['id']}", headers=bearer(tokens))

    assert (me.json()["username"], ended.status_code) == ("ada", 204)
    assert {"/auth/me", "/auth/devices", "/auth/devices/{session_id}"} <= set(app.openapi()["paths"])
    assert "/auth/sessions" not in app.openapi()["paths"]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ({"include": ["sing_in"]}, "no route 'sing_in'; there are .*sign_in"),
        ({"exclude": ["nothing"]}, "no route 'nothing'"),
        ({"paths": {"me": "/me"}}, "no route 'me'"),
        ({"include": "register"}, r"include is a list: write \['register'\]"),
        ({"exclude": "register"}, r"exclude is a list: write \['register'\]"),
        ({"paths": ["read_me"]}, "paths has to be a dict"),
        ({"paths": {"read_me": "/roles"}}, "GET /roles would be both read_me and list_roles"),
        ({"paths": {"read_role": "/users/{role_id}"}}, r"GET /users/\{role_id\} would be both read_user and read_role"),
        ({"prefix": "auth"}, "begin with a slash"),
        ({"prefix": "/auth/"}, "end without one"),
        ({"prefix": None}, "prefix has to be a text"),
        ({"paths": {"read_me": "me"}}, "begin with a slash"),
        ({"paths": {"end_session": "/devices"}}, "parameters"),
        ({"paths": {"end_session": "/devices/{id}"}}, "parameters"),
        ({"paths": {"read_me": "/users/{user_id}/me"}}, "parameters"),
        ({"include": ["forgot_password"]}, "no route 'forgot_password' here"),
        ({"paths": {"verify_email": "/v"}}, "no route 'verify_email' here"),
    ],
)
def test_what_cannot_be_chosen_is_refused(make_auth: Make, selection: dict[str, Any], said: str) -> None:
    """A name of no route, or a path that cannot be the route's, is refused when the app is made."""
    with pytest.raises(ConfigurationError, match=said):
        make_auth(MemoryStore()).setup(FastAPI(), **selection)


@pytest.mark.parametrize("app", [None, FastAPI, APIRouter(), Starlette()])
@pytest.mark.parametrize("adding", [FastAuth.setup, FastAuth.setup_exception_handlers])
def test_what_is_no_app_is_refused(make_auth: Make, adding: Callable[..., None], app: Any) -> None:
    """Routes and error handlers go to an app of FastAPI, and not to a router, nor to nothing."""
    with pytest.raises(ConfigurationError, match=r"app has to be the app, as made by FastAPI\(\)"):
        adding(make_auth(MemoryStore()), app)


def test_what_is_not_there_may_be_left_out(make_auth: Make) -> None:
    """To leave out a route that is not there anyway is no mistake: an app may do it with and without a notifier."""
    assert "/roles" in paths_of(make_auth(MemoryStore()), exclude=["forgot_password"])


def test_moved_token_routes_are_where_openapi_says(make_auth: Make) -> None:
    """Swagger's Authorize finds the sign-in route of a selection."""
    app = FastAPI()
    make_auth(MemoryStore(), token_url="/login").setup(app, prefix="/auth", include=["sign_in", "read_me"])

    (scheme,) = app.openapi()["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"].endswith("/auth/login")


def test_routes_are_added_once(make_auth: Make) -> None:
    """A second setup would add what nobody reaches: it is refused, and allowed where it has other places."""
    first, second = make_auth(MemoryStore()), make_auth(MemoryStore(), token_url="/other")
    app = FastAPI()
    first.setup(app, include=["sign_in"])
    first.setup(app, exclude=["sign_in"])

    for again in (first, second):
        with pytest.raises(ConfigurationError, match=r"already, from another call of auth\.setup: call it once"):
            again.setup(app)
    second.setup(app, prefix="/second")
    first.setup(FastAPI())

    assert {"/token", "/users/me", "/second/other", "/second/users/me"} <= set(app.openapi()["paths"])
