"""The rows R-AZ of the security requirements: who may do what, cell by cell, and to whom."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from fastauth import Account, FastAuth, PermissionDeniedException, Store
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from tests.conftest import PASSWORD
from tests.outbox import Flow, Outbox, mailing
from tests.services.conftest import facts
from tests.services.watched_store import WatchedStore
from tests.web.helpers import refused, role_ids

Make = Callable[..., FastAuth[Any]]
NEW = "another horse battery"
CALLERS = ("nobody", "user", "moderator", "admin", "superadmin", "disabled")
ANYONE, SIGNED_IN, ADMIN = "anyone", "signed in", "admin"


class Route(NamedTuple):
    """Who may use a route, and a body with which it does something; values in braces are filled in."""

    who: str
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None


PROOF = MappingProxyType({"current_password": PASSWORD})

ROUTES: dict[str, Route] = {
    "POST /token": Route(ANYONE, form={"username": "bob", "password": PASSWORD}),
    "POST /token/refresh": Route(ANYONE, {"refresh_token": "{refresh}"}),
    "POST /logout": Route(SIGNED_IN),
    "POST /register": Route(ANYONE, {"username": "eve", "email": "eve@example.com", "password": PASSWORD}),
    "POST /password/forgot": Route(ANYONE, {"email": "bob@example.com"}),
    "POST /password/reset": Route(ANYONE, {"token": "{reset_password}", "new_password": NEW}),
    "POST /email/verify": Route(ANYONE, {"token": "{verify_email}"}),
    "POST /email/change/confirm": Route(ANYONE, {"token": "{confirm_email_change}"}),
    "GET /users/me": Route(SIGNED_IN),
    "PATCH /users/me": Route(SIGNED_IN, {}),
    "DELETE /users/me": Route(SIGNED_IN, PROOF),
    "POST /password/change": Route(SIGNED_IN, {**PROOF, "new_password": NEW}),
    "POST /email/change": Route(SIGNED_IN, {**PROOF, "new_email": "third@example.com"}),
    "POST /email/verify/request": Route(SIGNED_IN),
    "GET /sessions": Route(SIGNED_IN),
    "DELETE /sessions/{session_id}": Route(SIGNED_IN),
    "POST /ws/ticket": Route(SIGNED_IN),
    "POST /logout/all": Route(SIGNED_IN),
    "GET /roles": Route(SIGNED_IN),
    "GET /roles/{role_id}": Route(SIGNED_IN),
    "POST /roles": Route(ADMIN, {"name": "editor"}),
    "PUT /roles/{role_id}": Route(ADMIN, {"description": "Pays."}),
    "DELETE /roles/{role_id}": Route(ADMIN),
    "GET /users": Route(ADMIN),
    "GET /users/{user_id}": Route(ADMIN),
    "PATCH /users/{user_id}": Route(ADMIN, {"disabled": True}),
    "DELETE /users/{user_id}": Route(ADMIN),
    "GET /users/{user_id}/sessions": Route(ADMIN),
    "DELETE /users/{user_id}/sessions": Route(ADMIN),
    "GET /users/{user_id}/roles": Route(ADMIN),
    "POST /users/{user_id}/roles/{role_id}": Route(ADMIN),
    "DELETE /users/{user_id}/roles/{role_id}": Route(ADMIN),
}


def routes_of(app: FastAPI) -> set[str]:
    """Return every route that an app has for its clients, as method and path."""
    found: set[str] = set()
    for path, item in app.openapi()["paths"].items():
        found |= {f"{method.upper()} {path}" for method in item}
    hidden = [route for route in app.routes if isinstance(route, APIRoute) and not route.include_in_schema]
    assert hidden == []
    return found


def test_r_az_1_every_route_has_its_row(make_auth: Make) -> None:
    """No route can be added without saying who may use it."""
    app = FastAPI()
    make_auth(MemoryStore(), notifier=Outbox()).setup(app)

    assert routes_of(app) == ROUTES.keys()


async def place(flow: Flow, caller: str, names: dict[str, str]) -> dict[str, str]:
    """Make the caller, and return the header that signs them in; with it, whatever a route is about."""
    auth = flow.auth
    roles = {"nobody": (), "user": ("user",), "disabled": ("user",)}.get(caller, ("user", caller))
    tokens: dict[str, str] = {}
    if caller != "nobody":
        account = await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=roles)
        pair, other = await auth.sessions.start(account), await auth.sessions.start(account)
        tokens = {"Authorization": f"Bearer {pair.access_token}"}
        names["session_id"] = other.session_id
        if caller == "disabled":
            await auth.accounts.disable(account.id)
    bob = await auth.accounts.find("bob")
    assert bob is not None
    names["user_id"] = bob.id
    names.setdefault("session_id", "x" * 22)
    names["role_id"] = (await auth.roles.create("reader")).id
    names["refresh"] = (await auth.sessions.start(bob)).refresh_token
    for kind in ("verify_email", "reset_password", "confirm_email_change"):
        names[kind] = await flow.mailed(kind, "bob")
    return tokens


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", ROUTES)
async def test_r_az_1_each_role_may_do_what_it_may(make_auth: Make, name: str, caller: str) -> None:
    """Each cell of the table of callers and routes: who may is served, who is not known is 401, who may not is 403."""
    route, names = ROUTES[name], dict[str, str]()
    async with mailing(MemoryStore(), make_auth, "bob", "superadmin") as flow:
        headers = await place(flow, caller, names)
        method, path = name.split()
        body = None if route.body is None else {key: _filled(value, names) for key, value in route.body.items()}
        answer = await flow.client.request(method, path.format(**names), json=body, data=route.form, headers=headers)

    if route.who == ANYONE or caller in {"admin", "superadmin"}:
        assert 200 <= answer.status_code < 300, answer.text
    elif caller in {"nobody", "disabled"}:
        refused(answer, 401, "INVALID_TOKEN")
    elif route.who == SIGNED_IN:
        assert 200 <= answer.status_code < 300, answer.text
    else:
        refused(answer, 403, "PERMISSION_DENIED")


def _filled(value: Any, names: dict[str, str]) -> Any:
    return value.format(**names) if isinstance(value, str) else value


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
async def test_r_az_2_no_column_of_the_user_can_be_set_by_naming_it(store: Store[Any], make_auth: Make) -> None:
    """Every attribute of the user that a body does not offer is refused by name, and nothing of it is stored."""
    if isinstance(store, SQLStore):
        columns = set(store.tables[0].columns.keys())
    else:
        columns = {"id", "username", "email", "hashed_password", "disabled"}
    names = columns | {"password", "roles", "verified", "is_superuser", "created_at", "session", "user", "by"}
    async with mailing(store, make_auth, "bob", "admin") as flow:
        bob = await flow.auth.accounts.find("bob")
        assert bob is not None
        admin = await flow.tokens("admin")
        register = {"username": "eve", "email": "eve@example.com", "password": PASSWORD}
        for name in sorted(names - register.keys()):
            for value in ("x", True, 1, None, ["superadmin"]):
                refused(await flow.call("POST /register", **register, **{name: value}), 422, "VALIDATION_ERROR")
        for name in sorted(names - {"email", "disabled"}):
            for value in ("x", True, None):
                answer = await flow.call(f"PATCH /users/{bob.id}", admin, **{name: value})
                refused(answer, 422, "VALIDATION_ERROR")

        assert await flow.auth.accounts.find("eve") is None
        assert facts(await flow.auth.accounts.get(bob.id)) == facts(bob)


ACTS: dict[str, Mapping[str, Any] | None] = {
    "PATCH /users/{user_id}": {"disabled": True},
    "DELETE /users/{user_id}": None,
    "DELETE /users/{user_id}/sessions": None,
    "POST /users/{user_id}/roles/{superadmin}": None,
    "DELETE /users/{user_id}/roles/{superadmin}": None,
    "POST /users/{user_id}/roles/{admin}": None,
    "DELETE /users/{user_id}/roles/{admin}": None,
    "DELETE /users/{user_id}/roles/{user}": None,
}


@pytest.mark.parametrize("target", ["user", "admin", "superadmin", "own"])
@pytest.mark.parametrize("caller", ["admin", "superadmin"])
@pytest.mark.parametrize("act", ACTS)
async def test_r_az_3_nobody_acts_on_who_is_not_below_them(make_auth: Make, act: str, caller: str, target: str) -> None:
    """An admin acts on users, and gives and takes any role but ``superadmin`` there and among admins."""
    async with mailing(MemoryStore(), make_auth) as flow:
        auth = flow.auth
        own = await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=("user", caller))
        await auth.accounts.create("root", "root@example.com", PASSWORD, roles=("superadmin",))
        other = own
        if target != "own":
            roles = {"user", target}
            other = await auth.accounts.create("bob", "bob@example.com", PASSWORD, roles=roles)
        before = facts(other)
        method, path = act.split()
        path = path.format(user_id=other.id, **await role_ids(auth))
        headers = {"Authorization": f"Bearer {(await auth.sessions.start(own)).access_token}"}

        answer = await flow.client.request(method, path, json=ACTS[act], headers=headers)

        is_role = "/roles/" in path
        rank = caller if target == "own" else target
        may = caller == "superadmin" or (
            "{superadmin}" not in act
            and (rank == "user" or (rank == "admin" and (is_role or (target == "own" and "sessions" in path))))
        )
        if may:
            assert answer.status_code in {200, 204}, answer.text
        else:
            refused(answer, 403, "PERMISSION_DENIED")
            assert facts(await auth.accounts.get(other.id)) == before


@pytest.mark.parametrize("act", ["disable", "delete", "revoke", "close"])
async def test_r_az_3_a_superadmin_remains_whatever_they_do_to_each_other(
    store: Store[Any], make_auth: Make, act: str
) -> None:
    """All superadmins at once disable, delete or demote each other, or close their accounts: one of them stays."""
    async with mailing(store, make_auth) as flow:
        auth = flow.auth
        roots = [
            await auth.accounts.create(f"root{n}", f"root{n}@example.com", PASSWORD, roles=("superadmin",))
            for n in range(5)
        ]
        role = (await role_ids(auth))["superadmin"]
        requests = []
        for root, other in zip(roots, roots[1:] + roots[:1], strict=True):
            headers = {"Authorization": f"Bearer {(await auth.sessions.start(root)).access_token}"}
            method, path, body = {
                "disable": ("PATCH", f"/users/{other.id}", {"disabled": True}),
                "delete": ("DELETE", f"/users/{other.id}", None),
                "revoke": ("DELETE", f"/users/{other.id}/roles/{role}", None),
                "close": ("DELETE", "/users/me", {"current_password": PASSWORD}),
            }[act]
            requests.append(flow.client.request(method, path, json=body, headers=headers))

        answers = await asyncio.gather(*requests)

        left = await auth.accounts.list(role="superadmin", disabled=False)
        assert len(left) >= 1
        assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}


async def test_r_az_4_standard_roles_keep_their_names(store: Store[Any], make_auth: Make) -> None:
    """Not even a superadmin renames, deletes or doubles a standard role."""
    async with mailing(store, make_auth, "superadmin") as flow:
        root = await flow.tokens("superadmin")
        before = await flow.auth.roles.list()
        for role in before:
            path = f"/roles/{role.id}"
            refused(await flow.call(f"PUT {path}", root, name="other"), 409, "PROTECTED_ROLE")
            refused(await flow.call(f"DELETE {path}", root), 409, "PROTECTED_ROLE")
            refused(await flow.call("POST /roles", root, name=role.name.upper()), 409, "ROLE_EXISTS")

        assert await flow.auth.roles.list() == before


@pytest.mark.parametrize(
    ("verb", "act"),
    [
        ("set_disabled", lambda auth, user, by: auth.accounts.disable(user, by=by)),
        ("set_disabled", lambda auth, user, by: auth.accounts.update(user, {"disabled": True}, by=by)),
        ("set_email", lambda auth, user, by: auth.accounts.update(user, {"email": "x@example.com"}, by=by)),
        ("delete_user", lambda auth, user, by: auth.accounts.delete(user, by=by)),
        ("revoke_sessions", lambda auth, user, by: auth.sessions.end_all(user, by=by)),
        ("grant_role", lambda auth, user, by: auth.roles.grant(user, "premium", by=by)),
        ("revoke_role", lambda auth, user, by: auth.roles.revoke(user, "user", by=by)),
    ],
)
async def test_r_az_5_rank_is_judged_in_the_step_that_acts(
    store: Store[Any], make_auth: Make, verb: str, act: Callable[..., Any]
) -> None:
    """Who becomes a superadmin at the last moment before an admin acts on them is out of that admin's reach."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()
    admin = await auth.accounts.create("admin", "admin@example.com", PASSWORD, roles=("admin",))
    bob: Account[Any] = await auth.accounts.create("bob", "bob@example.com", PASSWORD)
    pair = await auth.sessions.start(bob)
    watched.before[verb] = lambda: store.grant_role(bob.id, "superadmin")

    with pytest.raises(PermissionDeniedException):
        await act(auth, bob.id, admin)

    after = facts(await auth.accounts.get(bob.id))
    assert (after.email, after.disabled, after.roles) == (bob.email, False, {"user", "superadmin"})
    assert (await auth.sessions.authenticate(pair.access_token)).id == bob.id
