"""One session of HTTP calls, the same on every store: nobody can tell from outside which database is behind it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import FastAuth, Store
from fastauth.backends.memory import MemoryStore
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, bearer, client_of

Call = Callable[..., Awaitable[Response]]


class Script:
    """Plays the session, and keeps every answer with its ids and tokens replaced by where they came from."""

    def __init__(self, client: AsyncClient, auth: FastAuth[Any], clock: ManualClock) -> None:
        self._client = client
        self._auth = auth
        self._clock = clock
        self._names: dict[str, str] = {}
        self.answers: list[tuple[str, int, Any]] = []

    async def call(self, method: str, path: str, token: str | None = None, **request: Any) -> Any:
        headers = bearer(token) if token is not None else {}
        answer = await self._client.request(method, path, headers=headers, **request)
        body = answer.json() if answer.content else None
        named = "/".join(self._names.get(segment, segment) for segment in path.split("/"))
        self.answers.append((f"{method} {named}", answer.status_code, self._without_ids(body)))
        return body

    def name(self, identifier: Any, name: str) -> str:
        self._names[str(identifier)] = name
        return str(identifier)

    def _without_ids(self, body: Any) -> Any:
        if isinstance(body, list):
            return [self._without_ids(each) for each in body]
        if isinstance(body, dict):
            hidden = {"id", "access_token", "refresh_token"}
            return {key: "..." if key in hidden else self._without_ids(value) for key, value in body.items()}
        return body

    async def play(self) -> None:
        call = self.call
        users = {}
        for username in ("root", "Boss", "ada", "bob"):
            body = {"username": username, "email": f"{username}@Example.com", "password": PASSWORD}
            users[username] = self.name((await call("POST", "/register", json=body))["id"], f"<{username}>")
        await self._auth.roles.grant(users["root"], "superadmin")
        await self._auth.roles.grant(users["Boss"], "admin")

        taken = {"username": "ADA", "email": "new@example.com", "password": PASSWORD}
        await call("POST", "/register", json=taken)
        await call("POST", "/register", json={**taken, "username": "new", "email": "ada@EXAMPLE.com"})
        await call("POST", "/register", json={**taken, "username": "new", "password": "short"})
        await call("POST", "/register", json={**taken, "username": "new name"})
        await call("POST", "/register", json={**taken, "username": "new", "disabled": True})
        await call("POST", "/register", json={"username": "new"})

        tokens = {}
        for login in ("root", "boss@example.com", "ADA", "bob"):
            tokens[login] = await call("POST", "/token", data={"username": login, "password": PASSWORD})
        root, boss, ada, bob = (each["access_token"] for each in tokens.values())
        await call("POST", "/token", data={"username": "ada", "password": "wrong horse"})
        await call("POST", "/token", data={"username": "nobody", "password": "wrong horse"})
        await call("POST", "/token", data={"username": "ada"})
        await call("POST", "/token", data={"username": "ada", "password": PASSWORD, "grant_type": "other"})
        await call("GET", "/users/me", ada)
        await call("GET", "/users/me")
        await call("GET", "/users/me", "not.a.token")

        roles = {each["name"]: self.name(each["id"], f"<{each['name']}>") for each in await call("GET", "/roles", ada)}
        editor = await call("POST", "/roles", boss, json={"name": "Editor", "description": "Writes."})
        roles["editor"] = self.name(editor["id"], "<editor>")
        await call("POST", "/roles", boss, json={"name": "editor"})
        await call("POST", "/roles", ada, json={"name": "other"})
        await call("POST", "/roles", boss, json={"name": "no good name"})
        await call("GET", f"/roles/{roles['editor']}", ada)
        await call("GET", "/roles/none", ada)
        await call("PUT", f"/roles/{roles['editor']}", boss, json={"description": "Writes and edits."})
        await call("PUT", f"/roles/{roles['editor']}", boss, json={"name": "author"})
        await call("PUT", f"/roles/{roles['editor']}", boss, json={"name": "admin"})
        await call("PUT", f"/roles/{roles['admin']}", boss, json={"name": "chief"})
        await call("PUT", f"/roles/{roles['admin']}", boss, json={"description": "Manages."})
        await call("DELETE", f"/roles/{roles['user']}", root)

        held = f"/users/{users['ada']}/roles"
        await call("POST", f"{held}/{roles['editor']}", boss)
        await call("POST", f"{held}/{roles['editor']}", boss)
        await call("GET", held, ada)
        await call("GET", held, bob)
        await call("GET", held, boss)
        await call("POST", f"{held}/{roles['superadmin']}", boss)
        await call("POST", f"{held}/none", boss)
        await call("POST", f"/users/none/roles/{roles['editor']}", boss)
        await call("DELETE", f"{held}/{roles['editor']}", boss)
        await call("DELETE", f"{held}/{roles['editor']}", boss)
        await call("DELETE", f"/users/{users['root']}/roles/{roles['user']}", boss)
        await call("DELETE", f"/users/{users['root']}/roles/{roles['superadmin']}", root)
        await call("POST", f"{held}/{roles['superadmin']}", root)
        await call("DELETE", f"/users/{users['root']}/roles/{roles['superadmin']}", root)
        await call("DELETE", f"/roles/{roles['editor']}", ada)
        await call("DELETE", f"/roles/{roles['editor']}", root)
        await call("GET", "/users/me", ada)

        old = {"refresh_token": tokens["bob"]["refresh_token"]}
        await call("POST", "/token/refresh", json=old)
        newer = await call("POST", "/token/refresh", json=old)
        self._clock.move(timedelta(seconds=11))
        await call("POST", "/token/refresh", json=old)
        await call("POST", "/token/refresh", json={"refresh_token": newer["refresh_token"]})
        await call("POST", "/token/refresh", json={"refresh_token": ada})
        await call("GET", "/users/me", bob)
        await call("POST", "/logout", ada)
        await call("GET", "/users/me", ada)
        await call("POST", "/token/refresh", json={"refresh_token": tokens["ADA"]["refresh_token"]})
        await self._auth.accounts.disable(users["Boss"])
        await call("GET", "/users/me", boss)
        await call("POST", "/token", data={"username": "boss", "password": PASSWORD})


async def played(auth: FastAuth[Any], clock: ManualClock) -> list[tuple[str, int, Any]]:
    """Return the answers of the session on a ``FastAuth``."""
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        script = Script(client, auth, clock)
        await script.play()
    return script.answers


async def test_a_session_of_sixty_calls_is_the_same_on_every_store(
    store: Store[Any], clock: ManualClock, make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """A session of sixty calls has the same statuses and bodies, ids and times aside, on every store."""
    reference_clock = ManualClock(clock())
    options: dict[str, Any] = {"reserved_usernames": ()}  # the staff registers, too
    reference = await played(make_auth(MemoryStore(), clock=reference_clock, **options), reference_clock)

    answers = await played(make_auth(store, **options), clock)

    assert len(answers) >= 60
    assert answers == reference
    assert {status for _, status, _ in answers} == {200, 201, 204, 400, 401, 403, 404, 409, 422}
