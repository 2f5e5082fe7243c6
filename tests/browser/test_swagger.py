"""Swagger's Authorize in a real browser, wherever the routes are."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from httpx2 import AsyncClient
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore, User
from tests.conftest import PASSWORD
from tests.live import serving


def add_protected(app: FastAPI, auth: FastAuth[Any]) -> None:
    @app.get("/protected")
    async def protected(user: User = Depends(auth.current_user)) -> dict[str, str]:
        return {"message": f"Hello {user.username}"}


@asynccontextmanager
async def at_the_root(auth: FastAuth[Any]) -> AsyncGenerator[str, None]:
    app = FastAPI()
    auth.setup(app)
    add_protected(app, auth)
    async with serving(app) as url:
        yield url


@asynccontextmanager
async def under_a_prefix(auth: FastAuth[Any]) -> AsyncGenerator[str, None]:
    app = FastAPI()
    app.include_router(auth.get_auth_router(), prefix="/api/auth")
    auth.setup_exception_handlers(app)
    add_protected(app, auth)
    async with serving(app) as url:
        yield url


@asynccontextmanager
async def in_a_mounted_sub_app(auth: FastAuth[Any]) -> AsyncGenerator[str, None]:
    inner, outer = FastAPI(), FastAPI()
    auth.setup(inner)
    add_protected(inner, auth)
    outer.mount("/sub/app", inner)
    async with serving(outer) as url:
        yield f"{url}/sub/app"


@asynccontextmanager
async def behind_a_proxy_that_strips_a_path(auth: FastAuth[Any]) -> AsyncGenerator[str, None]:
    app = FastAPI()
    auth.setup(app)
    add_protected(app, auth)
    async with serving(app, root_path="/api/v1") as inner, AsyncClient(base_url=inner) as client:

        async def forward(request: Request) -> Response:
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            answer = await client.request(
                request.method, f"/{request.path_params['path']}", content=await request.body(), headers=headers
            )
            kind = answer.headers.get("content-type")
            return Response(answer.content, answer.status_code, media_type=kind)

        proxy = Starlette(routes=[Route("/api/v1/{path:path}", forward, methods=["GET", "POST"])])
        async with serving(proxy) as url:
            yield f"{url}/api/v1"


@pytest.mark.parametrize(
    "placed", [at_the_root, under_a_prefix, in_a_mounted_sub_app, behind_a_proxy_that_strips_a_path]
)
async def test_swaggers_authorize_signs_in(
    page: Page, make_auth: Callable[..., FastAuth[Any]], placed: Any, tmp_path: Path
) -> None:
    """Swagger's Authorize signs in, and a padlocked route then answers 200."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    async with placed(auth) as url:
        await page.goto(f"{url}/docs")
        await page.get_by_role("button", name="Authorize").first.click()
        await page.locator("#oauth_username").fill("ada")
        await page.locator("#oauth_password").fill(PASSWORD)
        await page.locator(".auth-btn-wrapper button.authorize").click()
        await page.locator(".auth-btn-wrapper button", has_text="Logout").wait_for()
        await page.locator(".auth-btn-wrapper button", has_text="Close").click()
        route = page.locator("#operations-default-protected_protected_get")
        await route.click()
        await route.get_by_role("button", name="Try it out").click()
        await route.get_by_role("button", name="Execute").click()
        status = route.locator(".live-responses-table .response .response-col_status")
        await status.wait_for()
        await page.screenshot(path=tmp_path / "swagger.png")

        assert (await status.inner_text()).startswith("200")
        assert "Hello ada" in await route.locator(".live-responses-table").inner_text()
