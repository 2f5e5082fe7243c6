"""Browser sign-in: the tokens travel in HttpOnly cookies, and only the app's own pages can use them."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, User

auth = FastAuth(store=SQLStore(create_async_engine("sqlite+aiosqlite:///cookies.db")), use_cookie=True)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

PAGE = """<!doctype html><title>Cookies</title>
<form><input name=username placeholder=username><input name=password type=password><button>Sign in</button></form>
<button id=note>Write a note</button> <button id=out>Sign out</button> <output></output>
<script>
const show = async answer => document.querySelector("output").value = answer.status + " " + await answer.text();
document.querySelector("form").onsubmit = async event => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  const answer = await fetch("/token", {method: "POST", body});
  document.querySelector("output").value = answer.status;  // the tokens are in cookies; the body is not needed
};
document.querySelector("#note").onclick = async () => show(await fetch("/notes", {method: "POST"}));
document.querySelector("#out").onclick = async () => show(await fetch("/logout", {method: "POST"}));
</script>"""


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    return PAGE


@app.get("/hello")
async def hello(user: Annotated[User | None, Depends(auth.optional_user)]) -> dict[str, str]:
    return {"message": f"Hello {user.username if user else 'stranger'}"}


@app.post("/notes")
async def write(user: Annotated[User, Depends(auth.current_user)]) -> dict[str, str]:
    return {"message": f"Written by {user.username}"}
