"""Cookie sign-in in a real browser, and what pages of other origins try with the cookies it keeps."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from fastapi import Depends, FastAPI, WebSocket
from playwright.async_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore, User
from tests.conftest import PASSWORD
from tests.live import serving

NAMES = {"fastauth_access", "fastauth_refresh", "fastauth_csrf"}
FETCH = """async ([url, options]) => {
  try { const answer = await fetch(url, {credentials: "include", ...options}); return answer.status }
  catch { return "no answer" }
}"""
OPEN = """url => new Promise(done => {
  const socket = new WebSocket(url)
  socket.onmessage = event => done(event.data)
  socket.onclose = () => done("closed")
})"""
SUBMIT = """([url, fields]) => {
  const form = Object.assign(document.createElement("form"), {action: url, method: "post"})
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("input"), {name, value}))
  document.body.append(form)
  form.submit()
}"""
SHOW = """url => new Promise(done => {
  const image = new Image()
  image.onload = image.onerror = () => done()
  image.src = url
})"""


class Site(NamedTuple):
    """The app, and what was really done by its routes."""

    auth: FastAuth[Any]
    url: str
    done: list[str]


def own_site(auth: FastAuth[Any], done: list[str]) -> FastAPI:
    app = FastAPI()
    auth.setup(app)

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<!doctype html><body>"

    @app.post("/notes")
    async def write(user: User = Depends(auth.current_user)) -> str:
        done.append(f"written by {user.username}")
        return "written"

    @app.websocket("/chat")
    async def chat(websocket: WebSocket, user: User = Depends(auth.current_user)) -> None:
        await websocket.accept()
        done.append(f"heard {user.username}")
        await websocket.send_text(f"Hello {user.username}")
        await websocket.close()

    return app


async def blank(_: Any) -> HTMLResponse:
    return HTMLResponse("<!doctype html><body>")


@pytest.fixture
async def site(make_auth: Callable[..., FastAuth[Any]]) -> AsyncGenerator[Site, None]:
    """The app in cookie mode on a real server, where ``ada`` and ``mallory`` are registered."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    await auth.initialize_db()
    for name in ("ada", "mallory"):
        await auth.accounts.register(name, f"{name}@example.com", PASSWORD)
    done: list[str] = []
    async with serving(own_site(auth, done), ws="websockets-sansio") as url:
        yield Site(auth, url, done)


@asynccontextmanager
async def foreign_page(context: BrowserContext, host: str) -> AsyncGenerator[Page, None]:
    """Open a page of another origin: of another port of the same site, or of another site altogether."""
    async with serving(Starlette(routes=[Route("/", blank)])) as url:
        page = await context.new_page()
        await page.goto(url.replace("127.0.0.1", host))
        yield page


@pytest.fixture
async def context(browser: Browser) -> AsyncGenerator[BrowserContext, None]:
    """A browser profile of its own."""
    context = await browser.new_context()
    yield context
    await context.close()


async def signed_in_page(context: BrowserContext, site: Site) -> Page:
    page = await context.new_page()
    await page.goto(f"{site.url}/page")
    assert await sign_in(page, site) == 200
    return page


async def sign_in(page: Page, site: Site, username: str = "ada") -> Any:
    """Sign in by script, from wherever the page is."""
    body = f"username={username}&password={PASSWORD.replace(' ', '+')}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await page.evaluate(FETCH, [f"{site.url}/token", {"method": "POST", "body": body, "headers": headers}])


async def post(page: Page, url: str, **options: Any) -> Any:
    return await page.evaluate(FETCH, [url, {"method": "POST", **options}])


async def kept(context: BrowserContext) -> dict[str, dict[str, Any]]:
    return {cookie["name"]: dict(cookie) for cookie in await context.cookies()}


async def test_a_page_signs_in_works_and_signs_out(context: BrowserContext, site: Site) -> None:
    """A page of the app signs in by cookie, calls an unsafe route, refreshes, opens a WebSocket and signs out."""
    page = await signed_in_page(context, site)
    cookies = await kept(context)
    visible = await page.evaluate("document.cookie")

    assert cookies.keys() == NAMES
    assert {name: (each["httpOnly"], each["sameSite"]) for name, each in cookies.items()} == {
        "fastauth_access": (True, "Lax"),
        "fastauth_refresh": (True, "Strict"),
        "fastauth_csrf": (False, "Strict"),
    }
    assert visible == f"fastauth_csrf={cookies['fastauth_csrf']['value']}"
    assert await post(page, "/notes") == 200
    assert await page.evaluate(OPEN, f"{site.url.replace('http', 'ws')}/chat") == "Hello ada"
    assert await post(page, "/token/refresh") == 200
    assert (await kept(context))["fastauth_access"]["value"] != cookies["fastauth_access"]["value"]
    assert await post(page, "/logout") == 204
    assert await kept(context) == {}
    assert await post(page, "/notes") == 401
    assert site.done == ["written by ada", "heard ada"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_r_ck_5_a_page_of_another_origin_changes_nothing(context: BrowserContext, site: Site, host: str) -> None:
    """By form, fetch, image and WebSocket a page of another site, or another origin of the same, changes nothing."""
    page = await signed_in_page(context, site)
    before = await kept(context)

    async with foreign_page(context, host) as foreign:
        for path in ("/notes", "/logout", "/token/refresh"):
            await post(foreign, f"{site.url}{path}")
            await post(foreign, f"{site.url}{path}", mode="no-cors")
            await foreign.evaluate(SHOW, f"{site.url}{path}")
        heard = await foreign.evaluate(OPEN, f"{site.url.replace('http', 'ws')}/chat")
        statuses = []
        for path in ("/notes", "/logout", "/token/refresh"):
            async with foreign.expect_navigation() as navigation:
                await foreign.evaluate(SUBMIT, [f"{site.url}{path}", {}])
            answer = await navigation.value
            statuses.append((await answer.text(), answer.status))
            await foreign.go_back()

    # Another site's requests come without cookies; another origin of the same site's come with them, and are refused.
    assert {status for _, status in statuses} == {401 if host == "localhost" else 403}
    assert all("FASTAUTH_CSRF_FAILED" in text for text, status in statuses if status == 403)
    assert heard == "closed"
    assert site.done == []
    assert await kept(context) == before
    assert await post(page, "/notes") == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_r_ck_6_a_page_of_another_origin_signs_nobody_in(context: BrowserContext, site: Site, host: str) -> None:
    """A page of another origin that posts its own name and password, by form or by fetch, sets no cookie."""
    page = await signed_in_page(context, site)
    before = await kept(context)

    async with foreign_page(context, host) as foreign:
        by_fetch = await sign_in(foreign, site, "mallory")
        async with foreign.expect_navigation() as navigation:
            await foreign.evaluate(SUBMIT, [f"{site.url}/token", {"username": "mallory", "password": PASSWORD}])
        answer = await navigation.value

    assert by_fetch == "no answer"  # refused, and what the refusal says is not for that page
    assert (answer.status if answer else None) == 403
    assert await kept(context) == before
    assert await post(page, "/notes") == 200
    assert site.done == ["written by ada"]
