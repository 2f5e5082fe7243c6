"""The pictures of the documentation, made from what they show: ``nox -s screenshots``.

Diagrams are drawn by Mermaid from ``docs/diagrams``; screenshots are of real pages, in a headless Chromium. With each
goes the digest of what it was made from, so that ``--check`` sees which are out of date.
"""

import argparse
import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, Route, async_playwright

from examples.demo import build, walk
from fastauth.testing import Outbox
from tests.docs.pages import DOCS, ROOT

ASSETS = DOCS / "assets"
DIAGRAMS = DOCS / "diagrams"
DIGESTS = ASSETS / "made-from.json"
SITE = ROOT / "build" / "site"
_VIEW = {"width": 1280, "height": 800}
_STYLE = {
    "startOnLoad": False,
    "theme": "neutral",
    "fontFamily": "sans-serif",
    "deterministicIds": True,
    "htmlLabels": False,  # so that what shows an SVG as an image, shows its words
    "flowchart": {"htmlLabels": False},
}


def demo_app() -> FastAPI:
    """Return the app of the demo."""
    return build(Path(tempfile.mkdtemp()) / "demo.db", Outbox())[0]


def sources() -> dict[str, bytes]:
    """Return what each picture is made from, by the picture's name."""
    made_from = {f"{path.stem}.svg": path.read_bytes() for path in sorted(DIAGRAMS.glob("*.mmd"))}
    made_from["authorize.png"] = json.dumps(demo_app().openapi(), sort_keys=True).encode()
    made_from["metrics.png"] = (ROOT / "fastauth" / "telemetry" / "prometheus.py").read_bytes()
    made_from["front-page.png"] = (DOCS / "index.md").read_bytes()
    return made_from


def digests() -> dict[str, str]:
    """Return the digests of what the pictures are to be made from."""
    return {name: hashlib.sha256(source).hexdigest()[:16] for name, source in sources().items()}


def out_of_date() -> list[str]:
    """Return the pictures that are missing, or were made from something else than there is now."""
    made = json.loads(DIGESTS.read_text("utf-8")) if DIGESTS.exists() else {}
    return [name for name, digest in digests().items() if made.get(name) != digest or not (ASSETS / name).exists()]


async def draw(browser: Browser, mermaid: Path) -> None:
    """Draw every diagram.

    Args:
        browser: Where Mermaid runs.
        mermaid: The file ``mermaid.min.js`` of the package.
    """
    page = await browser.new_page()
    await page.add_script_tag(path=mermaid)
    for path in sorted(DIAGRAMS.glob("*.mmd")):
        svg = await page.evaluate(
            """async ([name, text, style]) => {
                mermaid.initialize(style);
                return (await mermaid.render(name, text)).svg;
            }""",
            [path.stem, path.read_text("utf-8"), _STYLE],
        )
        svg = svg.replace("background-color: transparent", "background-color: white", 1)
        (ASSETS / f"{path.stem}.svg").write_text(f"{svg}\n", "utf-8")
    await page.close()


async def authorize(browser: Browser) -> None:
    """Take the picture of /docs of the demo, with the dialog in which one signs in."""
    async with serve(demo_app()) as address:
        page = await browser.new_page(viewport=_VIEW)
        await page.route(lambda url: not url.startswith(address), _from_a_package)
        await page.goto(f"{address}/docs")
        await page.get_by_role("button", name="Authorize").first.click()
        await page.locator(".auth-container input[name=username], #oauth_username").first.fill("ada")
        await _shoot(page, "authorize.png")


async def metrics(browser: Browser) -> None:
    """Take the picture of /metrics of the demo, after its walk."""
    outbox = Outbox()
    app, auth = build(Path(tempfile.mkdtemp()) / "demo.db", outbox)
    async with serve(app) as address:
        await walk(address, auth, outbox)
        page = await browser.new_page(viewport=_VIEW)
        await page.goto(f"{address}/metrics")
        await _shoot(page, "metrics.png")


async def front_page(browser: Browser) -> None:
    """Take the picture of the first page of the documentation; the site has to be built."""
    handler = partial(_Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = await browser.new_page(viewport=_VIEW)
        await page.goto(f"http://127.0.0.1:{server.server_port}/")
        await page.wait_for_load_state("networkidle")
        await _shoot(page, "front-page.png")
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


async def _shoot(page: Page, name: str) -> None:
    await page.wait_for_timeout(500)  # until what moves has come to rest
    await page.screenshot(path=ASSETS / name, animations="disabled")
    await page.close()


async def _from_a_package(route: Route) -> None:
    # Swagger UI comes from a package instead of the network.
    file = resources.files("fastapi_offline") / "static" / route.request.url.rsplit("/", 1)[-1]
    if file.is_file():
        kind = "text/css" if route.request.url.endswith(".css") else "text/javascript"
        await route.fulfill(body=file.read_bytes(), content_type=kind)
    else:
        await route.abort()


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncGenerator[str, None]:
    """Serve the app on a free port, and yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


async def make(mermaid: Path) -> None:
    """Make all pictures anew.

    Args:
        mermaid: The file ``mermaid.min.js`` of the package.
    """
    ASSETS.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    steps: list[Callable[[Browser], Awaitable[None]]] = [
        partial(draw, mermaid=mermaid),
        authorize,
        metrics,
        front_page,
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for step in steps:
            await step(browser)
        await browser.close()
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n", "utf-8")


def main() -> int:
    """Make the pictures, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which pictures are out of date")
    parser.add_argument("--mermaid", type=Path, help="mermaid.min.js of the npm package")
    options = parser.parse_args()
    if not options.check:
        asyncio.run(make(options.mermaid))
    for name in out_of_date():
        sys.stdout.write(f"{name} is out of date: nox -s screenshots makes it anew\n")
    return len(out_of_date())


if __name__ == "__main__":
    sys.exit(main())
