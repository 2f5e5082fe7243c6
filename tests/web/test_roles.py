"""The routes of roles and of who holds them."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import STANDARD_ROLES, FastAuth
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, SAFE_HEADERS, challenge, make_user, on_memory, refused, role_ids

WHO = ("anonymous", "user", "moderator", "admin", "superadmin")

# What each of WHO is answered; the last two rows are what only a superadmin may do.
MATRIX: dict[str, tuple[int, int, int, int, int]] = {
    "GET /roles": (401, 200, 200, 200, 200),
    "GET /roles/{moderator}": (401, 200, 200, 200, 200),
    "POST /roles": (401, 403, 403, 201, 201),
    "PUT /roles/{editor}": (401, 403, 403, 200, 200),
    "DELETE /roles/{editor}": (401, 403, 403, 204, 204),
    "GET /users/{self}/roles": (401, 200, 200, 200, 200),
    "GET /users/{other}/roles": (401, 403, 403, 200, 200),
    "POST /users/{other}/roles/{editor}": (401, 403, 403, 204, 204),
    "POST /users/{other}/roles/{admin}": (401, 403, 403, 204, 204),
    "DELETE /users/{other}/roles/{user}": (401, 403, 403, 204, 204),
    "DELETE /users/{self}/roles/{user}": (401, 403, 403, 204, 204),
    "POST /users/{other}/roles/{superadmin}": (401, 403, 403, 403, 204),
    "POST /users/{root}/roles/{editor}": (401, 403, 403, 403, 204),
    "DELETE /users/{root}/roles/{user}": (401, 403, 403, 403, 204),
    "DELETE /users/{root}/roles/{superadmin}": (401, 403, 403, 403, 204),
}


async def send(client: AsyncClient, route: str, **options: Any) -> Response:
    method, path = route.split(" ")
    if path.startswith("/roles") and method in {"POST", "PUT"}:
        options["json"] = {"name": "critic"} if method == "POST" else {"description": "New."}
    return await client.request(method, path, **options)


@pytest.mark.parametrize("who", WHO)
async def test_r_az_1_who_may_do_what(auth: FastAuth[Any], client: AsyncClient, who: str) -> None:
    """Each role is answered on each route as the matrix says, and what was refused changed nothing."""
    await auth.roles.create("editor")
    other, _ = await make_user(auth, "user", username="other")
    root, _ = await make_user(auth, "superadmin", "user", username="root")
    acting, headers = await make_user(auth, who if who in STANDARD_ROLES else "user", "user", username="acting")
    if who == "anonymous":
        headers = {}
    answered = {}

    for route in MATRIX:
        ids = {**await role_ids(auth), "self": acting.id, "other": other.id, "root": root.id}
        ids["editor"] = ids.get("editor") or (await auth.roles.create("editor")).id
        answer = await send(client, route.format(**ids), headers=headers)
        answered[route] = answer.status_code
        if answer.status_code == 401:
            refused(answer, 401, "INVALID_TOKEN")
            assert challenge(answer) == NO_TOKEN
        elif answer.status_code == 403:
            refused(answer, 403, "PERMISSION_DENIED")
            assert challenge(answer) == 'Bearer error="insufficient_scope"'
        else:
            assert answer.headers.items() >= SAFE_HEADERS.items()

    held = {name: (await auth.accounts.get(account.id)).roles for name, account in (("other", other), ("root", root))}
    assert answered == {route: statuses[WHO.index(who)] for route, statuses in MATRIX.items()}
    assert held == {
        "admin": {"other": {"editor", "admin"}, "root": {"superadmin", "user"}},
        "superadmin": {"other": {"editor", "admin", "superadmin"}, "root": {"editor"}},
    }.get(who, {"other": {"user"}, "root": {"superadmin", "user"}})


@on_memory
@pytest.mark.parametrize("route", MATRIX)
async def test_a_bad_token_is_refused_on_every_route(client: AsyncClient, route: str) -> None:
    """A bad token is 401 on every route, and the challenge says so."""
    path = route.translate({ord("{"): None, ord("}"): None})

    answer = await send(client, path, headers={"Authorization": "Bearer garbage"})

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == BAD_TOKEN


async def test_the_standard_roles_are_listed_by_name(auth: FastAuth[Any], client: AsyncClient) -> None:
    """The standard roles are there from the start, as a plain array by name."""
    _, headers = await make_user(auth)

    roles = (await client.get("/roles", headers=headers)).json()

    assert [(role["name"], role["description"]) for role in roles] == sorted(STANDARD_ROLES.items())
    assert all(role.keys() == {"id", "name", "description"} and isinstance(role["id"], str) for role in roles)


async def test_a_role_is_made_read_changed_and_deleted(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A role is made with its name in lower case, read by its id, changed in what is named, and deleted."""
    _, headers = await make_user(auth, "admin")

    made = await client.post("/roles", json={"name": "Editor", "description": "Edits\ntexts."}, headers=headers)
    path = f"/roles/{made.json()['id']}"
    read = await client.get(path, headers=headers)
    described = await client.put(path, json={"description": ""}, headers=headers)
    renamed = await client.put(path, json={"name": "CRITIC", "description": None}, headers=headers)
    unchanged = await client.put(path, json={}, headers=headers)
    deleted = await client.delete(path, headers=headers)

    role = {"id": made.json()["id"], "name": "editor", "description": "Edits\ntexts."}
    assert (made.status_code, made.json()) == (201, role)
    assert (read.status_code, read.json()) == (200, role)
    assert (described.status_code, described.json()) == (200, {**role, "description": ""})
    assert (renamed.status_code, renamed.json()) == (200, {**role, "name": "critic", "description": ""})
    assert unchanged.json() == renamed.json()
    assert (deleted.status_code, deleted.content) == (204, b"")
    refused(await client.get(path, headers=headers), 404, "ROLE_NOT_FOUND")
    refused(await client.put(path, json={"name": "x"}, headers=headers), 404, "ROLE_NOT_FOUND")
    refused(await client.delete(path, headers=headers), 404, "ROLE_NOT_FOUND")


async def test_a_role_without_a_description_has_an_empty_one(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A role that is made without a description has an empty one."""
    _, headers = await make_user(auth, "admin")

    assert (await client.post("/roles", json={"name": "editor"}, headers=headers)).json()["description"] == ""


async def test_a_role_name_is_given_once(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A name that is taken, in any case and by a standard role too, is a conflict, when made and when changed."""
    _, headers = await make_user(auth, "admin")
    await auth.roles.create("editor")
    critic = await auth.roles.create("critic")

    for name in ("editor", "Editor", "admin", "SUPERADMIN"):
        refused(await client.post("/roles", json={"name": name}, headers=headers), 409, "ROLE_EXISTS")
        refused(await client.put(f"/roles/{critic.id}", json={"name": name}, headers=headers), 409, "ROLE_EXISTS")
    assert (await client.put(f"/roles/{critic.id}", json={"name": "Critic"}, headers=headers)).status_code == 200


@on_memory
@pytest.mark.parametrize("name", ["", " ", "two words", "-dash", "x" * 65, "é", "a,b", "a\n", "../x", "\x00"])
async def test_a_role_name_that_does_not_fit_is_refused(auth: FastAuth[Any], client: AsyncClient, name: str) -> None:
    """A name that is not of the form of role names is a validation error, when made and when changed."""
    _, headers = await make_user(auth, "admin")
    role = await auth.roles.create("editor")

    made = await client.post("/roles", json={"name": name}, headers=headers)
    changed = await client.put(f"/roles/{role.id}", json={"name": name}, headers=headers)

    assert refused(made, 422, "VALIDATION_ERROR")["details"][0]["loc"] == ["body", "name"]
    assert refused(changed, 422, "VALIDATION_ERROR")["details"][0]["loc"] == ["body", "name"]


@on_memory
@pytest.mark.parametrize(("method", "path"), [("POST", "/roles"), ("PUT", "/roles/{id}")])
@pytest.mark.parametrize("description", ["x" * 256, "null\x00", "escape\x1b"])
async def test_a_description_that_does_not_fit_is_refused(
    auth: FastAuth[Any], client: AsyncClient, method: str, path: str, description: str
) -> None:
    """A description that is too long, or has control characters, is a validation error."""
    _, headers = await make_user(auth, "admin")
    role = await auth.roles.create("editor")
    body = {"name": "critic", "description": description}

    answer = await client.request(method, path.format(id=role.id), json=body, headers=headers)

    assert refused(answer, 422, "VALIDATION_ERROR")["details"][0]["loc"] == ["body", "description"]


async def test_r_az_4_the_standard_roles_are_protected(auth: FastAuth[Any], client: AsyncClient) -> None:
    """No standard role can be renamed or deleted, by a superadmin neither; its description may change."""
    _, headers = await make_user(auth, "superadmin")

    for name, role_id in (await role_ids(auth)).items():
        path = f"/roles/{role_id}"
        refused(await client.delete(path, headers=headers), 409, "PROTECTED_ROLE")
        refused(await client.put(path, json={"name": f"{name}2"}, headers=headers), 409, "PROTECTED_ROLE")
        described = await client.put(path, json={"name": name.upper(), "description": "Ours."}, headers=headers)
        assert described.json() == {"id": role_id, "name": name, "description": "Ours."}


async def test_the_last_superadmin_keeps_the_role(auth: FastAuth[Any], client: AsyncClient) -> None:
    """The last enabled superadmin cannot lose the role; where there are two, one can."""
    first, headers = await make_user(auth, "superadmin")
    second, _ = await make_user(auth, username="second")
    role_id = (await role_ids(auth))["superadmin"]

    refused(await client.delete(f"/users/{first.id}/roles/{role_id}", headers=headers), 409, "PROTECTED_ROLE")
    granted = await client.post(f"/users/{second.id}/roles/{role_id}", headers=headers)
    await auth.accounts.disable(second.id)
    refused(await client.delete(f"/users/{first.id}/roles/{role_id}", headers=headers), 409, "PROTECTED_ROLE")
    await auth.accounts.enable(second.id)
    revoked = await client.delete(f"/users/{first.id}/roles/{role_id}", headers=headers)

    assert (granted.status_code, revoked.status_code) == (204, 204)
    assert "superadmin" not in (await auth.accounts.get(first.id)).roles


async def test_granting_and_revoking_twice_is_as_good_as_once(auth: FastAuth[Any], client: AsyncClient) -> None:
    """Granting a role that is held, and revoking one that is not, is 204 and changes nothing."""
    user, _ = await make_user(auth)
    _, headers = await make_user(auth, "admin", username="boss")
    path = f"/users/{user.id}/roles/{(await role_ids(auth))['premium']}"

    granted = [(await client.post(path, headers=headers)).status_code for _ in range(2)]
    held = (await client.get(f"/users/{user.id}/roles", headers=headers)).json()
    revoked = [(await client.delete(path, headers=headers)).status_code for _ in range(2)]

    assert granted == revoked == [204, 204]
    assert [role["name"] for role in held] == ["premium", "user"]
    assert (await auth.accounts.get(user.id)).roles == {"user"}


async def test_a_change_of_roles_holds_from_the_very_next_request(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A role that is granted, taken, renamed or deleted counts at once, with the same old token."""
    user, headers = await make_user(auth)
    boss, boss_headers = await make_user(auth, "superadmin", username="boss")
    body = {"name": "editor"}
    before = await client.post("/roles", json=body, headers=headers)

    await client.post(f"/users/{user.id}/roles/{(await role_ids(auth))['admin']}", headers=boss_headers)
    during = await client.post("/roles", json=body, headers=headers)
    await client.delete(f"/users/{user.id}/roles/{(await role_ids(auth))['admin']}", headers=boss_headers)
    after = await client.post("/roles", json=body, headers=headers)

    assert [before.status_code, during.status_code, after.status_code] == [403, 201, 403]
    await auth.roles.grant(user.id, "editor", by=boss)
    assert "editor" in (await client.get("/users/me", headers=headers)).json()["roles"]
    await client.put(f"/roles/{during.json()['id']}", json={"name": "critic"}, headers=boss_headers)
    assert "critic" in (await client.get("/users/me", headers=headers)).json()["roles"]
    await client.delete(f"/roles/{during.json()['id']}", headers=boss_headers)
    assert (await client.get("/users/me", headers=headers)).json()["roles"] == ["user"]


@on_memory
async def test_a_user_is_known_by_one_spelling_of_their_id(auth: FastAuth[Any], client: AsyncClient) -> None:
    """Another spelling of one's own id is nobody's: it opens nothing."""
    user, headers = await make_user(auth)

    for spelling in (f"0{user.id}", f"+{user.id}", f"{user.id}%20", f"%20{user.id}", f"{user.id}.0"):
        answer = await client.get(f"/users/{spelling}/roles", headers=headers)
        refused(answer, 403, "PERMISSION_DENIED")


@on_memory
async def test_the_role_router_stands_alone(auth: FastAuth[Any]) -> None:
    """The role router can be included alone and under a prefix."""
    app = FastAPI()
    app.include_router(auth.get_role_router(), prefix="/api")

    assert set(app.openapi()["paths"]) == {
        "/api/roles",
        "/api/roles/{role_id}",
        "/api/users/{user_id}/roles",
        "/api/users/{user_id}/roles/{role_id}",
    }
