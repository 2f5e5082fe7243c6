"""The example of a WebSocket, on a real server, with a real client in the browser's place."""

import runpy

import pytest
from httpx2 import AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conftest import SECRET_KEY, bearer, register, sign_in
from tests.docs.pages import ROOT
from tests.live import serving


async def test_the_example_opens_by_ticket_and_closes_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its page does: sign in, get a ticket, talk, sign out; the WebSocket is then closed, and says why."""
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", SECRET_KEY)
    app = runpy.run_path(str(ROOT / "examples" / "live.py"))["app"]

    async with serving(app, ws="websockets-sansio") as url, AsyncClient(base_url=url, timeout=60) as client:
        await register(client)
        headers = bearer(await sign_in(client))
        ticket = (await client.post("/ws/ticket", headers=headers)).json()["ticket"]
        address = f"{url.replace('http', 'ws')}/echo?ticket={ticket}"
        async with connect(address) as websocket:
            heard = [await websocket.recv()]
            await websocket.send("Hello")
            heard.append(await websocket.recv())
            await client.post("/logout", headers=headers)
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.recv()
        with pytest.raises(InvalidStatus):
            await connect(address)

    assert heard == ["Hello ada", "ada: Hello"]
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "FASTAUTH_INVALID_TOKEN")
