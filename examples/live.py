"""A WebSocket from a browser: a ticket opens it, and it is closed when the session ends."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket
from fastapi.responses import HTMLResponse

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore, User

auth = FastAuth(MemoryStore())
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

PAGE = """<!doctype html><title>WebSockets</title>
<form><input name=username placeholder=username><input name=password type=password><button>Connect</button></form>
<input id=say placeholder="say something"> <button id=out>Sign out</button> <pre></pre>
<script>
const show = line => document.querySelector("pre").append(line + "\\n");
let headers;
document.querySelector("form").onsubmit = async event => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  const tokens = await (await fetch("/token", {method: "POST", body})).json();
  headers = {Authorization: `Bearer ${tokens.access_token}`};
  const {ticket} = await (await fetch("/ws/ticket", {method: "POST", headers})).json();
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/echo?ticket=${ticket}`);
  socket.onmessage = message => show(message.data);
  socket.onclose = ({code, reason}) => show(`closed: ${code} ${reason}`);  // 1008 FASTAUTH_INVALID_TOKEN
  document.querySelector("#say").onchange = event => socket.send(event.target.value);
};
document.querySelector("#out").onclick = () => fetch("/logout", {method: "POST", headers});
</script>"""


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    return PAGE


@app.websocket("/echo")
async def echo(websocket: WebSocket, user: Annotated[User, Depends(auth.current_user)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello {user.username}")
    async with auth.watch(websocket, every=timedelta(seconds=1)):
        async for text in websocket.iter_text():
            await websocket.send_text(f"{user.username}: {text}")
