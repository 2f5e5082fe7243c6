"""An app's own routes come after all of ours, and are not slower for it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match
from starlette.types import Scope

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from fastauth.web.routing import AuthRoute
from fastauth.web.selection import AuthRouter, Selection, WholeRouter
from tests.conftest import client_of
from tests.outbox import Outbox

Make = Callable[..., FastAuth[Any]]


async def found() -> str:
    return "found"


@pytest.fixture
def auth(make_auth: Make) -> FastAuth[Any]:
    """All routes there are."""
    return make_auth(MemoryStore(), notifier=Outbox())


async def test_a_path_of_the_apps_is_compared_with_no_route_of_ours(
    auth: FastAuth[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for a route of the app's own, added after ours, is not held against each of ours before."""
    compared: list[str] = []
    matches = AuthRoute.matches

    def noted(route: AuthRoute, scope: Scope) -> tuple[Match, Scope]:
        compared.append(route.path)
        return matches(route, scope)

    monkeypatch.setattr(AuthRoute, "matches", noted)
    app = FastAPI()
    auth.setup(app)
    app.get("/mine/{number}")(found)
    async with client_of(app) as client:
        mine = await client.get("/mine/1")
        before = len(compared)
        ours = await client.get("/users/me")

    assert (mine.status_code, before) == (200, 0)
    assert (ours.status_code, "/users/me" in compared) == (401, True)
    assert "/token" not in compared  # which is of another group


@pytest.mark.parametrize("prefix", ["", "/auth"])
@pytest.mark.parametrize("mounted", ["", "/v1"])
async def test_every_route_is_found_wherever_it_is(auth: FastAuth[Any], prefix: str, mounted: str) -> None:
    """Each path is known, with a prefix and in an app within an app: what it refuses is the method."""
    inner, app = FastAPI(), FastAPI()
    auth.setup(inner, prefix=prefix, health=True)
    app.mount(mounted, inner)
    paths = list(inner.openapi()["paths"])
    async with client_of(app) as client:
        answers = {path: (await client.request("PROPFIND", mounted + path)).status_code for path in paths}
        stranger = await client.request("PROPFIND", f"{mounted}{prefix}/nothing")

    assert set(answers.values()) == {405}
    assert len(answers) > 20
    assert stranger.status_code == 404


async def test_a_route_that_is_added_to_a_router_of_ours_is_found(auth: FastAuth[Any]) -> None:
    """What is looked for are the routes of now, not those of the first request."""
    router = AuthRouter(Selection(route_class=AuthRoute), tag="one")
    app = FastAPI()
    app.include_router(router)
    async with client_of(app) as client:
        before = await client.get("/late/1")
        router.get("/late/{number}")(found)
        after = await client.get("/late/1")

    assert (before.status_code, after.status_code) == (404, 200)


async def test_a_route_that_begins_with_anything_is_found() -> None:
    """A router holding what has no fixed beginning, a parameter or another router, is asked about every path."""
    within, parameters = APIRouter(), APIRouter()
    within.get("/within")(found)
    parameters.get("/{tenant}/parameters")(found)
    outer = APIRouter()
    outer.include_router(within)
    app = FastAPI()
    app.include_router(WholeRouter([("/a", outer), ("", parameters)]))
    async with client_of(app) as client:
        answers = [(await client.get(path)).status_code for path in ("/a/within", "/x/parameters", "/x/nothing")]

    assert answers == [200, 200, 404]
