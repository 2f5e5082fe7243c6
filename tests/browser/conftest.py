"""A real Chromium, and Swagger UI's files from a package in place of the network."""

import os
import shutil
from collections.abc import AsyncGenerator
from importlib import resources

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright


def _chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no chromium on the path"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; in CI that is a failure")
        pytest.skip(reason)
    return path


@pytest.fixture
async def browser() -> AsyncGenerator[Browser, None]:
    """Start Chromium."""
    path = _chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncGenerator[Page, None]:
    """Open a page on which the addresses that Swagger UI is loaded from are answered from a package."""
    page = await browser.new_page(viewport={"width": 1280, "height": 1400})
    static = resources.files("fastapi_offline") / "static"

    async def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1]
        file = static / name
        if file.is_file():
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            await route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            await route.abort()

    await page.route(lambda url: not url.startswith("http://127.0.0.1:"), answer)
    yield page
    await page.close()
