"""The token URL of the OpenAPI document: right wherever the route is."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, client_of
from tests.web.helpers import make_user, send_raw

Make = Callable[..., FastAuth[Any]]


# Newer FastAPI would rather have the server say it; apps that pass it are right all the same.
deprecated_root_path = pytest.mark.filterwarnings("ignore:The .root_path. parameter is deprecated")


@pytest.fixture
def auth(make_auth: Make) -> FastAuth[Any]:
    """The document does not depend on the store."""
    return make_auth(MemoryStore())


def token_url_of(document: dict[str, Any], scheme: str = "FastAuth") -> str:
    return str(document["components"]["securitySchemes"][scheme]["flows"]["password"]["tokenUrl"])


async def document_of(app: FastAPI, path: str = "/openapi.json", root_path: str = "") -> dict[str, Any]:
    transport = ASGITransport(app, root_path=root_path)
    async with AsyncClient(transport=transport, base_url="https://testserver") as client:
        answer = await client.get(path)
    document: dict[str, Any] = answer.json()
    assert answer.status_code == 200, answer.text
    return document


async def test_at_the_root_the_token_url_is_the_route(app: FastAPI) -> None:
    """At the root the token URL is the path of the route."""
    assert token_url_of(await document_of(app)) == "/token"


@pytest.mark.parametrize("token_url", ["/token", "/sign-in", "/api/v1/token"])
async def test_a_prefix_is_part_of_the_token_url(make_auth: Make, token_url: str) -> None:
    """Under a prefix the token URL has it, and a request there signs in."""
    auth = make_auth(MemoryStore(), token_url=token_url)
    await auth.initialize_db()
    await make_user(auth)
    app = FastAPI()
    auth.setup(app, prefix="/auth")

    (scheme,) = (await document_of(app))["components"]["securitySchemes"]
    url = token_url_of(await document_of(app), scheme)
    async with client_of(app) as client:
        answer = await client.post(url, data={"username": "ada", "password": PASSWORD})

    assert url == f"/auth{token_url}"
    assert answer.status_code == 200


async def test_routers_included_by_hand_are_found(auth: FastAuth[Any]) -> None:
    """The token URL is right for a router that was included by hand, inside others, before and after the handlers."""
    app = FastAPI()
    api = APIRouter(prefix="/v1")
    auth.setup_exception_handlers(app)
    api.include_router(auth.get_auth_router(), prefix="/auth")
    api.include_router(auth.get_account_router())
    app.include_router(api, prefix="/api")

    assert token_url_of(await document_of(app)) == "/api/v1/auth/token"


async def test_without_the_token_route_the_url_is_as_given(auth: FastAuth[Any]) -> None:
    """An app that guards routes and signs in elsewhere keeps the token URL of the settings."""
    app = FastAPI()
    auth.setup_exception_handlers(app)
    app.include_router(auth.get_role_router())

    assert token_url_of(await document_of(app)) == "/token"


async def test_an_app_without_guarded_routes_has_no_scheme(auth: FastAuth[Any]) -> None:
    """An app that has the handlers and only the token routes that need no token gets no scheme put in."""
    app = FastAPI()
    auth.setup_exception_handlers(app)

    @app.get("/open")
    async def open_route() -> None: ...

    assert "components" not in await document_of(app)


async def test_a_token_route_in_an_app_without_a_scheme_is_no_failure(auth: FastAuth[Any]) -> None:
    """Where only the open routes are left of our routers, the document is made without a scheme."""
    app = FastAPI()
    auth.setup_exception_handlers(app)
    sign_in = auth.get_auth_router().routes[0]
    app.router.routes.append(sign_in)

    document = await document_of(app)

    assert list(document["paths"]) == ["/token"]
    assert "securitySchemes" not in document["components"]


@deprecated_root_path
@pytest.mark.parametrize("given", ["/proxy", "/proxy/"])
async def test_a_root_path_of_the_app_is_part_of_the_token_url(auth: FastAuth[Any], given: str) -> None:
    """``FastAPI(root_path=...)`` is part of the token URL."""
    app = FastAPI(root_path=given)
    auth.setup(app)

    assert token_url_of(await document_of(app)) == "/proxy/token"


async def test_the_root_path_of_each_request_is_part_of_the_token_url(auth: FastAuth[Any], app: FastAPI) -> None:
    """The ``root_path`` that a server or proxy gives each request is part of the token URL, of that request only."""
    urls = [
        token_url_of(await document_of(app, path=f"{root_path}/openapi.json", root_path=root_path))
        for root_path in ("/one", "", "/two", "")
    ]

    assert urls == ["/one/token", "/token", "/two/token", "/token"]


async def test_a_mount_is_part_of_the_token_url(auth: FastAuth[Any], app: FastAPI) -> None:
    """In a mounted app the token URL has the path of the mount, and the root path of the request before it."""
    outer = FastAPI()
    outer.mount("/shop", app)

    assert token_url_of(await document_of(outer, "/shop/openapi.json")) == "/shop/token"
    assert token_url_of(await document_of(outer, "/proxy/shop/openapi.json", "/proxy")) == "/proxy/shop/token"
    assert "/token" not in (await document_of(outer))["paths"]


async def test_two_of_us_in_one_app_have_a_scheme_each(make_auth: Make) -> None:
    """Two ``FastAuth`` objects in one app, with a token route each, have a scheme and a token URL each."""
    users = make_auth(MemoryStore())
    staff = make_auth(MemoryStore(), token_url="/staff/token")
    app = FastAPI()
    users.setup(app, prefix="/api")
    app.include_router(staff.get_auth_router(), prefix="/desk")
    staff.setup_exception_handlers(app)

    @app.get("/desk", dependencies=[Depends(staff.current_user)])
    async def desk() -> None: ...

    document = await document_of(app)
    assert token_url_of(document, "FastAuth") == "/api/token"
    assert token_url_of(document, "FastAuth_staff") == "/desk/staff/token"
    assert document["paths"]["/desk"]["get"]["security"] == [{"FastAuth_staff": []}]
    assert document["paths"]["/api/users/me"]["get"]["security"] == [{"FastAuth": []}]


async def test_setting_up_twice_is_as_good_as_once(auth: FastAuth[Any], app: FastAPI) -> None:
    """Handlers and lifespan may each publish the token URL; the document is the same."""
    before = await document_of(app)

    auth.setup_exception_handlers(app)
    async with auth.lifespan(app):
        after = await document_of(app)

    assert after == before


async def test_the_lifespan_alone_publishes_the_token_url(auth: FastAuth[Any]) -> None:
    """An app that includes the routers and has the lifespan, without the handlers, has the right token URL."""
    app = FastAPI(lifespan=auth.lifespan)
    app.include_router(auth.get_auth_router(), prefix="/auth")

    async with app.router.lifespan_context(app):
        assert token_url_of(await document_of(app)) == "/auth/token"


async def test_the_apps_own_document_goes_on(auth: FastAuth[Any]) -> None:
    """What the app puts into its document by itself stays, and so do its other security schemes."""
    app = FastAPI(title="Shop", openapi_url="/api.json", docs_url="/help")
    make_document = app.openapi

    def own() -> dict[str, Any]:
        document = make_document()
        document["info"]["x-logo"] = "logo.svg"
        document["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
        return document

    app.openapi = own  # type: ignore[method-assign]
    auth.setup(app, prefix="/auth")

    document = await document_of(app, "/api.json")
    assert (document["info"]["title"], document["info"]["x-logo"]) == ("Shop", "logo.svg")
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-Key"
    assert token_url_of(document) == "/auth/token"
    assert (await send_raw(app, "GET", "/help")).status_code == 200


async def test_an_app_without_a_document_has_none(auth: FastAuth[Any]) -> None:
    """An app that publishes no document is set up like any other."""
    app = FastAPI(openapi_url=None)
    auth.setup(app)

    assert (await send_raw(app, "GET", "/openapi.json")).status_code == 404
    assert token_url_of(app.openapi()) == "/token"
