"""What the recipes say comes true in the apps that they show."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from fastauth import FastAuth, Notification
from fastauth.core.exceptions import CredentialsException
from fastauth.testing import ManualClock, Outbox
from tests.conftest import PASSWORD, bearer, client_of
from tests.docs.pages import files_of
from tests.live import serving
from tests.test_documents import engines_are_disposed_of, in_an_empty_folder, run_code  # noqa: F401  # fixtures
from tests.web.helpers import refused
from tests.web.test_token_verifier import AUDIENCE, ISSUER, Issuer

KNOWN = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def recipe(name: str, replaced: Mapping[str, str] = {}, **known: Any) -> dict[str, Any]:
    """Run a recipe with some of its text replaced and some names known before, and return its names."""
    (code,) = files_of(f"docs/how-to/{name}.md")
    for old, new in replaced.items():
        assert old in code
        code = code.replace(old, new)
    return run_code(code, name, **known)


def client_for(names: dict[str, Any], **options: Any) -> TestClient:
    return TestClient(names["app"], base_url="https://testserver", **options)


def test_json_signs_in_and_its_guesses_count_with_those_at_the_form() -> None:
    """The JSON route signs in as the form does; a wrong password is 401, and guesses at both have one count."""
    names = recipe("sign-in-with-json")

    with client_for(names) as client:
        client.portal.call(names["auth"].testing.make_user)  # type: ignore[union-attr]
        good = client.post("/token/json", json={"username": "Ada@example.com", "password": PASSWORD})
        wrong = client.post("/token/json", json={"username": "ada", "password": "wrong"})
        form = client.post("/token", data={"username": "ada", "password": "wrong"})

    assert good.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    refused(wrong, 401, "INVALID_CREDENTIALS")
    assert [answer.headers["ratelimit"].partition(",")[0][:13] for answer in (wrong, form)] == [
        '"account";r=9',
        '"account";r=8',
    ]


def test_permissions_come_from_roles() -> None:
    """Who holds no role with the permission is 403, an editor and a superadmin are let in, and tokens tell of it."""
    names = recipe("permissions")
    auth = names["auth"]

    with client_for(names) as client:
        stranger = client.post("/articles")
        auth.testing.sign_in_as(client, "ada")
        user = client.post("/articles")
        client.portal.call(auth.roles.create, "editor")  # type: ignore[union-attr]
        auth.testing.sign_in_as(client, "ada", roles=["editor"])
        editor = client.post("/articles")
        claims = auth.sessions.read(client.headers["Authorization"].removeprefix("Bearer "))
        auth.testing.sign_in_as(client, "root", roles=["superadmin"])
        root = client.post("/articles")

    refused(stranger, 401, "INVALID_TOKEN")
    refused(user, 403, "PERMISSION_DENIED")
    assert (editor.json(), root.json()) == ("written by ada", "written by root")
    assert claims.extra["permissions"] == ["articles:read", "articles:write"]
    assert names["may"]("articles:write") is names["may"]("articles:write")


def test_a_form_signs_in_and_out_without_a_script() -> None:
    """A browser's forms lead from page to page, programs get their JSON, and other sites' forms get nowhere."""
    names = recipe("pages-and-forms")
    form = {"username": "ada", "password": PASSWORD}

    with client_for(names, follow_redirects=False) as client:
        client.portal.call(names["auth"].testing.make_user)  # type: ignore[union-attr]
        visitor = client.get("/", headers=HTML)
        wrong = client.post("/token", data={**form, "password": "wrong"}, headers=HTML)
        foreign = client.post("/token", data=form, headers={**HTML, "Sec-Fetch-Site": "cross-site"})
        program = client.post("/token", data=form)
        client.cookies.clear()
        signed_in = client.post("/token", data=form, headers=HTML)
        home = client.get("/", headers=HTML)
        forged = client.post("/logout", headers={**HTML, "Sec-Fetch-Site": "cross-site"})
        still = client.get("/", headers=HTML)
        signed_out = client.post("/logout", headers=HTML)
        after = client.get("/", headers=HTML)

    assert (visitor.status_code, visitor.headers["location"]) == (303, "/sign-in")
    assert "access_token" in program.json()
    assert wrong.headers["location"] == foreign.headers["location"] == "/sign-in?failed=1"
    assert "set-cookie" not in wrong.headers
    assert "set-cookie" not in foreign.headers
    assert (signed_in.status_code, signed_in.headers["location"], signed_in.content) == (303, "/", b"")
    assert len(signed_in.headers.get_list("set-cookie")) == 3
    assert "Sign out" in home.text
    assert forged.headers["location"] == "/sign-in?failed=1"
    assert "Sign out" in still.text
    assert (signed_out.headers["location"], after.headers["location"]) == ("/sign-in", "/sign-in")


async def test_an_app_may_sleep_and_lose_answers() -> None:
    """A session survives 89 days of sleep, a lost answer for a minute, and no replay after it; a year is the end."""
    clock = ManualClock()
    auth: FastAuth[Any] = recipe("mobile-apps", {"MemoryStore(),": "MemoryStore(), clock=CLOCK,"}, CLOCK=clock)["auth"]
    ada = await auth.testing.make_user()

    pair = await auth.sessions.start(ada, user_agent="Shop/2.1 (phone)")
    for _ in range(4):
        clock.move(timedelta(days=89))
        before, pair = pair, await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=59))
    again = await auth.sessions.refresh(before.refresh_token)
    (session,) = await auth.sessions.list(ada.id)
    clock.move(timedelta(days=10))
    ended = await auth.sessions.list(ada.id)
    await auth.close()

    assert (again.session_id, session.user_agent) == (pair.session_id, "Shop/2.1 (phone)")
    assert ended == []


async def test_a_providers_token_becomes_a_session() -> None:
    """The provider's token opens its route, and is exchanged for a session of the account of its subject."""
    issuer = Issuer("RS256")
    async with serving(issuer) as url:
        names = recipe(
            "identity-provider",
            {
                "https://id.example.com/realms/main/protocol/openid-connect/certs": url,
                "https://id.example.com/realms/main": ISSUER,
                'audience="shop"': f'audience="{AUDIENCE}"',
            },
        )
        auth: FastAuth[Any] = names["auth"]
        await auth.initialize_db()
        async with client_of(names["app"]) as client:

            async def exchange(**claims: Any) -> Any:
                return await client.post("/token/provider", json={"token": issuer.token(**claims)})

            direct = await client.get("/by-provider", headers=bearer(issuer.token()))
            unverified = await exchange(email="ada@example.com")
            first = await exchange(email="ada@example.com", email_verified=True)
            me = (await client.get("/users/me", headers=bearer(first.json()))).json()
            renamed = await exchange(email="new@example.com", email_verified=True)
            same = (await client.get("/users/me", headers=bearer(renamed.json()))).json()
            other = await exchange(sub="user-2", email="ada@example.com", email_verified=True)
            foreign = await exchange(aud="another", email="eve@example.com", email_verified=True)
            await auth.accounts.disable(str(me["id"]))
            disabled = await exchange()
            again = await client.get("/users/me", headers=bearer(first.json()))
        await auth.close()

    assert direct.json() == {"subject": "user-1"}
    assert (first.status_code, me["email"], set(me["roles"])) == (200, "ada@example.com", {"user", "verified"})
    assert same["id"] == me["id"]
    refused(unverified, 401, "INVALID_CREDENTIALS")
    refused(other, 409, "USER_EXISTS")
    refused(foreign, 401, "INVALID_CREDENTIALS")
    refused(disabled, 403, "INACTIVE_USER")
    refused(again, 401, "INVALID_TOKEN")


def test_a_key_opens_what_asks_for_a_caller_only() -> None:
    """A key opens the routes that take a caller and no other, and goes with its owner; tokens work as before."""
    names = recipe("api-keys")
    auth = names["auth"]

    with client_for(names) as client:
        ada = auth.testing.sign_in_as(client, "ada")
        by_token = client.get("/orders")
        key = {"X-API-Key": client.post("/api-keys").json()["key"]}
        del client.headers["Authorization"]
        by_key = client.get("/orders", headers=key)
        nothing = client.get("/orders")
        wrong = client.get("/orders", headers={"X-API-Key": "shop_guess"})
        ours = client.get("/users/me", headers=key)
        more = client.post("/api-keys", headers=key)
        with auth.testing.as_user(ada):
            pretended = client.get("/orders")
        client.portal.call(auth.accounts.disable, ada.id)  # type: ignore[union-attr]
        disabled = client.get("/orders", headers=key)
        client.portal.call(auth.accounts.delete, ada.id)  # type: ignore[union-attr]
        deleted = client.get("/orders", headers=key)

    assert by_token.json() == by_key.json() == pretended.json() == "orders of ada"
    refused(disabled, 403, "INACTIVE_USER")
    for answer in (nothing, wrong, ours, more, deleted):
        refused(answer, 401, "INVALID_TOKEN")


def test_people_are_listed_page_by_page() -> None:
    """Each page goes on where the one before has stopped, a search narrows it down, and others are refused."""
    names = recipe("list-users")
    auth = names["auth"]

    async def people() -> None:
        for number in range(25):
            await auth.accounts.create(f"user{number}", f"u{number}@example.com", None, hashed_password=KNOWN)

    with client_for(names) as client:
        auth.testing.sign_in_as(client, "ada")
        denied = client.get("/back-office/people")
        client.portal.call(people)  # type: ignore[union-attr]
        auth.testing.sign_in_as(client, "ada", roles=["moderator"])
        first = client.get("/back-office/people").json()
        rest = client.get("/back-office/people", params={"after": first["after"]}).json()
        found = client.get("/back-office/people", params={"search": "USER24"}).json()

    refused(denied, 403, "PERMISSION_DENIED")
    assert (len(first["rows"]), len(rest["rows"]), rest["after"]) == (20, 6, None)
    assert len({row["id"] for row in first["rows"] + rest["rows"]}) == 26
    assert [row["username"] for row in found["rows"]] == ["user24"]


class Flaky(Outbox):
    """A mail server that fails at first."""

    failures = 2

    async def notify(self, notification: Notification, /) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        await super().notify(notification)


async def test_a_queued_mail_is_sent_when_the_server_is_back() -> None:
    """What a worker takes from the queue is the notification with its token, and it is tried until it is sent."""
    names = recipe("mails-through-a-queue")
    auth: FastAuth[Any] = names["auth"]
    await auth.testing.make_user()
    await auth.accounts.forgot_password("ada@example.com")
    await auth.close()
    queue: asyncio.Queue[bytes] = names["queue"]
    mail, down = Flaky(), Flaky()
    await queue.put(message := await queue.get())

    await names["work"](queue, mail, pause=0)
    await queue.put(message)
    with pytest.raises(ConnectionError):
        await names["work"](queue, down, attempts=2, pause=0)
    sent = mail.latest(to="ada@example.com", kind="reset_password")
    assert sent.token is not None
    await auth.accounts.reset_password(sent.token, "another correct horse")
    await auth.close()

    assert json.loads(message)["kind"] == "reset_password"
    assert sent.expires_in == timedelta(hours=1)


def test_own_routes_stand_in_the_place_of_ours() -> None:
    """The own registration asks for an invitation and keeps our rules, and /users/me is the app's."""
    names = recipe("replace-a-route")
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD, "invitation": "spring-2027"}

    with client_for(names) as client:
        uninvited = client.post("/register", json={**body, "invitation": "guess"})
        weak = client.post("/register", json={**body, "password": "1234"})
        made = client.post("/register", json=body)
        taken = client.post("/register", json=body)
        account = names["auth"].testing.sign_in_as(client, "ada")
        me = client.get("/users/me")
        elsewhere = client.get(f"/users/{account.id}")

    assert (uninvited.status_code, uninvited.json()["error"]["code"]) == (403, "APP_NOT_INVITED")
    refused(weak, 422, "WEAK_PASSWORD")
    refused(taken, 409, "USER_EXISTS")
    assert (made.status_code, me.json()["name"]) == (201, "Ada")
    refused(elsewhere, 403, "PERMISSION_DENIED")


def test_errors_speak_spanish_to_who_reads_it() -> None:
    """Only the message changes: code, status and headers stay; who asks for no Spanish gets our words."""
    names = recipe("errors-in-a-language")
    form = {"username": "ada", "password": "wrong"}

    with client_for(names) as client:
        spanish = client.post("/token", data=form, headers={"Accept-Language": "es-AR,es;q=0.9"})
        english = client.post("/token", data=form)
        unknown = client.get("/users/me", headers={"Accept-Language": "es"})

    assert spanish.json()["error"]["message"] == "Usuario o contraseña incorrectos."
    assert english.json()["error"]["message"] == CredentialsException.default_message
    assert spanish.json()["error"]["code"] == english.json()["error"]["code"] == "FASTAUTH_INVALID_CREDENTIALS"
    assert {"www-authenticate", "ratelimit", "cache-control"} <= spanish.headers.keys()
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_role_holds_in_one_project() -> None:
    """An editor of one project changes that one, reads no other, and a reader changes none."""
    names = recipe("roles-in-a-team")
    auth: FastAuth[Any] = names["auth"]
    event.listen(names["engine"].sync_engine, "connect", lambda each, _: each.execute("PRAGMA foreign_keys=ON"))
    async with names["engine"].begin() as connection:
        await connection.run_sync(names["Base"].metadata.create_all)
    async with client_of(names["app"]) as client:
        ada = await auth.testing.sign_in_as(client, "ada")
        async with AsyncSession(names["engine"]) as session:
            for project, role in ((1, "editor"), (1, "owner"), (2, "reader")):
                session.add(names["Membership"](user_id=int(ada.id), project_id=project, role=role))
            await session.commit()
        asked: list[tuple[str, int]] = [("GET", 1), ("PUT", 1), ("GET", 2), ("PUT", 2), ("GET", 3)]
        statuses = [(await client.request(method, f"/projects/{project}")).status_code for method, project in asked]
        await auth.accounts.delete(ada.id)
        async with AsyncSession(names["engine"]) as session:
            left = list(await session.scalars(names["select"](names["Membership"])))
    await auth.close()

    assert statuses == [200, 200, 200, 403, 404]
    assert left == []
