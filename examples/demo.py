"""The demo: an app on embedded SQLite, a real walk through it over HTTP, and then it stays up to be tried.

Run it with ``nox -s demo``, or ``nox -s demo -- --once`` to end after the walk.
"""

import argparse
import asyncio
import contextlib
import logging
import secrets
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import uvicorn
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, User
from fastauth.telemetry.prometheus import PrometheusTelemetry
from fastauth.testing import Outbox

ADA = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery staple"}
NEW_PASSWORD = "another horse, another battery"


def build(database: Path, outbox: Outbox) -> tuple[FastAPI, FastAuth[User]]:
    auth = FastAuth(
        store=SQLStore(create_async_engine(f"sqlite+aiosqlite:///{database}")),
        secret_key=secrets.token_urlsafe(48),
        notifier=outbox,
        telemetry=[PrometheusTelemetry(CollectorRegistry())],
    )
    app = FastAPI(title="FastAuth demo", lifespan=auth.lifespan)
    auth.setup(app, metrics=True)

    @app.get("/protected")
    async def protected(user: Annotated[User, Depends(auth.current_user)]) -> dict[str, str]:
        return {"message": f"Hello {user.username}"}

    @app.get("/moderators", dependencies=[Depends(auth.require_roles(["moderator"]))])
    async def moderators() -> dict[str, str]:
        return {"message": "Hello moderator"}

    return app, auth


class Walk:
    """Calls the app over HTTP and prints what it answered, step by step."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._failed = 0

    async def step(
        self, what: str, expected: int, method: str, path: str, token: str | None = None, **request: Any
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self._client.request(method, path, headers=headers, **request)
        body: Any = answer.json() if answer.content else {}
        told = body.get("error", {}).get("code") or body.get("message") or ""
        as_expected = answer.status_code == expected
        self._failed += not as_expected
        mark = " " if as_expected else "!"
        print(f"{mark} {answer.status_code}  {method:<5} {path:<28} {what}{f' ({told})' if told else ''}")
        result: dict[str, Any] = body
        return result

    def finish(self) -> None:
        if self._failed:
            raise SystemExit(f"{self._failed} steps did not go as they should (marked with !)")


async def mailed(outbox: Outbox, kind: str) -> str:
    """Return the token of the last such mail, which is sent in the background."""
    while True:
        with contextlib.suppress(LookupError):
            return outbox.latest(kind=kind).token or ""
        await asyncio.sleep(0.01)


async def walk(base_url: str, auth: FastAuth[User], outbox: Outbox) -> None:
    client = httpx2.AsyncClient(base_url=base_url, timeout=30)
    async with client:
        go = Walk(client)
        form = {"username": ADA["email"], "password": ADA["password"]}
        user = await go.step("Ada registers", 201, "POST", "/register", json=ADA)
        link = {"token": await mailed(outbox, "verify_email")}
        await go.step("the link of the mail that Ada got", 204, "POST", "/email/verify", json=link)
        await go.step("the same address again", 409, "POST", "/register", json={**ADA, "email": "ADA@Example.com"})
        first = await go.step("Ada signs in", 200, "POST", "/token", data=form)
        token = first["access_token"]
        await go.step("a protected route", 200, "GET", "/protected", token)
        await go.step("the same without a token", 401, "GET", "/protected")
        await go.step("a wrong password", 401, "POST", "/token", data={**form, "password": "guess"})
        old = {"refresh_token": first["refresh_token"]}
        second = await go.step("refresh", 200, "POST", "/token/refresh", json=old)
        await go.step("the old refresh token again, at once", 200, "POST", "/token/refresh", json=old)
        third = await go.step(
            "the new one", 200, "POST", "/token/refresh", json={"refresh_token": second["refresh_token"]}
        )
        await go.step("the first refresh token: stolen?", 401, "POST", "/token/refresh", json=old)
        await go.step("... so the session has ended", 401, "GET", "/protected", third["access_token"])
        await go.step("Ada forgot her password", 202, "POST", "/password/forgot", json={"email": ADA["email"]})
        reset = {"token": await mailed(outbox, "reset_password"), "new_password": NEW_PASSWORD}
        await go.step("a new one, by the link of the mail", 204, "POST", "/password/reset", json=reset)
        await go.step("that link works once", 401, "POST", "/password/reset", json=reset)
        form["password"] = NEW_PASSWORD
        token = (await go.step("Ada signs in with the new one", 200, "POST", "/token", data=form))["access_token"]
        await go.step("a role is needed", 403, "GET", "/moderators", token)
        await auth.roles.grant(str(user["id"]), "moderator")
        await go.step("... granted, with the same token", 200, "GET", "/moderators", token)
        await go.step("Ada signs out", 204, "POST", "/logout", token)
        await go.step("the old token is refused", 401, "GET", "/protected", token)
        go.finish()


@asynccontextmanager
async def serving(app: FastAPI, port: int) -> AsyncGenerator[tuple[str, uvicorn.Server], None]:
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if running.done():
            await running
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        await running


async def main() -> None:
    parser = argparse.ArgumentParser(description="An app with FastAuth on embedded SQLite, and a walk through it.")
    parser.add_argument("--once", action="store_true", help="end after the walk")
    parser.add_argument("--port", type=int, default=0, help="where to listen; by default any free port")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("fastauth.audit").setLevel(logging.ERROR)  # the walk prints itself what it tries in vain
    with tempfile.TemporaryDirectory(prefix="fastauth-demo-") as folder:
        outbox = Outbox()
        app, auth = build(Path(folder) / "demo.db", outbox)
        async with serving(app, options.port) as (base_url, server):
            print(f"\nFastAuth demo on {base_url}\n", flush=True)
            await walk(base_url, auth, outbox)
            if not options.once:
                print(f"\nUp at {base_url}, try {base_url}/docs (Authorize as {ADA['username']}, password:")
                print(f"{NEW_PASSWORD!r}), and {base_url}/metrics. Ctrl-C ends it.", flush=True)
                while not server.should_exit:
                    await asyncio.sleep(0.2)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:  # the server has shut down in good order, and passes the signal on
        print("\nStopped.")
