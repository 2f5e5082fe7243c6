"""Three rotations under load, with four worker processes that are switched one by one."""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections import Counter
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, ConnectError

from tests.conftest import SECRET_KEY, bearer, register, sign_in
from tests.core.forge import unb64
from tests.core.pems import ED25519, P256

ROOT = Path(__file__).parent.parent.parent
_PAUSE = 0.02  # seconds between the requests of each of four clients, who ask 200 times a second at most
RINGS = [
    {"secret": SECRET_KEY, "algorithm": "HS256", "kid": "1"},
    {"secret": P256, "algorithm": "ES256", "kid": "2"},
    {"secret": secrets.token_urlsafe(64), "algorithm": "HS512", "kid": "3"},
    {"secret": ED25519, "algorithm": "EdDSA", "kid": "4"},
]


class Worker:
    """One process of the app, behind a balancer that sends it nothing while it is switched."""

    def __init__(self, store_url: str) -> None:
        self.store_url = store_url
        self.process: asyncio.subprocess.Process | None = None
        self.client: AsyncClient | None = None
        self.busy = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def start(self, ring: list[dict[str, Any]]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        environment = {**os.environ, "FASTAUTH_TEST_STORE_URL": self.store_url, "FASTAUTH_TEST_RING": json.dumps(ring)}
        arguments = ["-m", "uvicorn", "tests.stores.rotation_app:app", "--log-level", "warning", "--port", str(port)]
        self.process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, cwd=ROOT)
        client = AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
        for _ in range(1200):
            assert self.process.returncode is None, "the worker ended"
            try:
                await client.get("/users/me")
                break
            except ConnectError:
                await asyncio.sleep(0.05)
        self.client = client

    async def stop(self) -> None:
        client, self.client = self.client, None
        await self.idle.wait()
        if client is not None:
            await client.aclose()
        if self.process is not None:
            self.process.terminate()
            await self.process.wait()

    async def send(self, method: str, path: str, **options: Any) -> Any:
        assert self.client is not None
        self.busy += 1
        self.idle.clear()
        try:
            return await self.client.request(method, path, **options)
        finally:
            self.busy -= 1
            if not self.busy:
                self.idle.set()


@pytest.mark.slow
async def test_three_rotations_under_load_fail_no_request(tmp_path: Path) -> None:
    """While the ring changes from HS256 to ES256 to HS512 to EdDSA, worker by worker, every request is answered.

    Sign-ins, protected requests and refreshes go to whichever worker is up. Afterwards a token of a dropped key is 401.
    """
    workers = [Worker(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}") for _ in range(4)]
    async with AsyncExitStack() as stack:
        for worker in workers:
            stack.push_async_callback(worker.stop)
        await workers[0].start(RINGS[:1])
        await asyncio.gather(*(worker.start(RINGS[:1]) for worker in workers[1:]))
        client = workers[0].client
        assert client is not None
        await register(client)
        oldest = await sign_in(client)
        answers: Counter[tuple[str, int]] = Counter()
        signed_by: set[str] = set()
        done = asyncio.Event()

        async def load(number: int) -> None:
            tokens: dict[str, Any] = dict(oldest)
            form = {"username": "ada", "password": "correct horse battery"}
            turn = number
            while not done.is_set():
                await asyncio.sleep(_PAUSE)
                turn += 1
                up = [worker for worker in workers if worker.client is not None]
                worker = up[turn % len(up)]
                if turn % 20 == 0 or tokens["refresh_token"] == oldest["refresh_token"]:
                    step, answer = "sign in", await worker.send("POST", "/token", data=form)
                elif turn % 5 == 0:
                    body = {"refresh_token": tokens["refresh_token"]}
                    step, answer = "refresh", await worker.send("POST", "/token/refresh", json=body)
                else:
                    step, answer = "me", await worker.send("GET", "/users/me", headers=bearer(tokens))
                answers[step, answer.status_code] += 1
                if step != "me" and answer.status_code == 200:
                    tokens = answer.json()
                    signed_by.add(json.loads(unb64(tokens["access_token"].split(".")[0]))["kid"])

        running = [asyncio.ensure_future(load(number)) for number in range(4)]
        for old, new in pairwise(RINGS):
            for ring in ([old, {**new, "use": "verify"}], [new, old]):
                for worker in workers:
                    await worker.stop()
                    await worker.start(ring)
        dropped = workers[0].client
        assert dropped is not None
        newest = await sign_in(dropped)
        done.set()
        await asyncio.gather(*running)
        refused = await dropped.get("/users/me", headers=bearer(oldest))
        accepted = await dropped.get("/users/me", headers=bearer(newest))

        assert {status for _, status in answers} == {200}
        assert {step for step, _ in answers} == {"sign in", "me", "refresh"}
        assert signed_by == {"1", "2", "3", "4"}
        assert (refused.status_code, accepted.status_code) == (401, 200)
