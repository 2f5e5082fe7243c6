"""Hostile values in every field of every route: an error of ours, never a failure, and never an echo."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, register
from tests.web.helpers import make_user, on_memory, refused, role_ids, send_raw

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MARKER = "Pl4ntedM4rker"
TEN_MEGABYTES = 10_000_000

# As they stand in a JSON body.
JSON_VALUES: dict[str, str | bytes] = {
    "empty": '""',
    "blank": '" "',
    "control": f'"{MARKER}\\u001b"',
    "null character": f'"{MARKER}\\u0000"',
    "raw null character": f'"{MARKER}\x00"',
    "right to left": f'"\\u202e{MARKER}"',
    "long": f'"{MARKER}{"x" * 60_000}"',
    "ten megabytes": f'"{MARKER}{"x" * TEN_MEGABYTES}"',
    "int": "7",
    "negative": "-1",
    "float": "1.5",
    "int of 64 bits": str(2**63),
    "int of 5000 digits": "9" * 5000,
    "infinite float": "1e999",
    "true": "true",
    "null": "null",
    "list": f'["{MARKER}"]',
    "nested list": f'[["{MARKER}"], []]',
    "object": f'{{"{MARKER}": "{MARKER}"}}',
    "operator": '{"$ne": null}',
    "deep": "[" * 5000 + "]" * 5000,
    "lone surrogate": f'"{MARKER}\\ud800"',
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "not UTF-8": f'"{MARKER}'.encode() + b'\xff"',
    "not JSON": f"'{MARKER}'",
}
JSON_ROUTES: dict[str, dict[str, Any]] = {
    "POST /register": {"username": "eve", "email": "eve@example.com", "password": PASSWORD},
    "POST /token/refresh": {"refresh_token": "a.b.c"},
    "POST /roles": {"name": "critic", "description": "Reads."},
    "PUT /roles/{editor}": {"name": "critic", "description": "Reads."},
}
# What is no bad input there.
WELCOME: dict[tuple[str, str], set[str]] = {
    ("POST /register", "password"): {"control", "null character", "right to left"},
    ("POST /roles", "description"): {"missing", "empty", "blank", "right to left"},
    ("PUT /roles/{editor}", "name"): {"missing", "null"},
    ("PUT /roles/{editor}", "description"): {"missing", "null", "empty", "blank", "right to left"},
}
FORM_VALUES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"+",
    "word": MARKER.encode(),
    "number": b"7",
    "null character": MARKER.encode() + b"%00",
    "raw null character": MARKER.encode() + b"\x00",
    "long": MARKER.encode() + b"x" * 60_000,
    "ten megabytes": MARKER.encode() + b"x" * TEN_MEGABYTES,
    "not UTF-8": MARKER.encode() + b"%FF",
    "raw, not UTF-8": MARKER.encode() + b"\xff",
    "lone surrogate": MARKER.encode() + b"%ED%A0%80",
    "right to left": b"%E2%80%AE" + MARKER.encode(),
    "JSON": b'{"$ne": null}',
    "half an escape": MARKER.encode() + b"%",
}
TEXTS = [
    "\x00",
    f"{MARKER}\x00",
    f"{MARKER}\ud800",
    f"{MARKER}\u202e",
    f"{MARKER} OR 1=1",
    "0",
    "-1",
    "999999",
    "1.0",
    " 1",
    "true",
    "null",
    "..",
    "0" * 24,
    "00000000-0000-0000-0000-000000000000",
    "9" * 5000,
    str(2**31),
    str(2**63),
    "-0",
    "0x1",
    "\uff11",
    "1_0",
    "NaN",
    '{"$ne": null}',
    "../../etc/passwd",
    MARKER + "x" * 100_000,
]


def judge(answer: Response) -> None:
    """Assert that an answer is one of our errors below 500, and echoes nothing."""
    code = answer.json()["error"]["code"].removeprefix("FASTAUTH_")
    assert 400 <= answer.status_code < 500, answer.text
    refused(answer, answer.status_code, code)
    assert MARKER not in answer.text, answer.text
    assert MARKER not in str(answer.headers), answer.headers


def body_with(good: dict[str, Any], field: str, value: str | bytes) -> bytes:
    others = "".join(f"{json.dumps(name)}: {json.dumps(good[name])}, " for name in good if name != field)
    return b"{" + others.encode() + json.dumps(field).encode() + b": " + as_bytes(value) + b"}"


def as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


async def test_no_value_of_a_json_field_does_harm(auth: FastAuth[Any], client: AsyncClient) -> None:
    """Whatever stands in a JSON field, the answer is one of our errors, or the value is as good as any other."""
    _, headers = await make_user(auth, "admin")
    editor = await auth.roles.create("editor")

    for route, field in ((route, field) for route, good in JSON_ROUTES.items() for field in good):
        good = JSON_ROUTES[route]
        method, path = route.format(editor=editor.id).split(" ")
        bodies = {
            **{kind: body_with(good, field, value) for kind, value in JSON_VALUES.items()},
            "missing": json.dumps({name: value for name, value in good.items() if name != field}).encode(),
            "repeated": json.dumps(good)[:-1].encode() + f', "{field}": "{MARKER}"}}'.encode(),
        }
        for kind, body in bodies.items():
            answer = await client.request(method, path, content=body, headers={**headers, **JSON})
            if kind not in WELCOME.get((route, field), set()):
                judge(answer)
                continue
            assert answer.status_code in {200, 201}, (route, kind, answer.text)
            assert MARKER not in answer.text or field == "description", (route, kind, answer.text)
            if route == "POST /register":
                await auth.accounts.delete(str(answer.json()["id"]))
            elif route == "POST /roles":
                await auth.roles.delete(answer.json()["id"])


async def test_no_value_of_a_form_field_does_harm(client: AsyncClient) -> None:
    """Whatever stands in a field of the sign-in form, the answer is one of our errors."""
    await register(client)
    good = {"username": b"ada", "password": PASSWORD.replace(" ", "+").encode(), "grant_type": b"password"}

    for field in good:
        others = b"".join(name.encode() + b"=" + value + b"&" for name, value in good.items() if name != field)
        bodies = {kind: others + field.encode() + b"=" + value for kind, value in FORM_VALUES.items()}
        bodies |= {
            "missing": others,
            "repeated": others + f"{field}={MARKER}&{field}={MARKER}".encode(),
            "operator": others + f"{field}[$ne]={MARKER}".encode(),
            "list": others + f"{field}[]={MARKER}".encode(),
        }
        for kind, body in bodies.items():
            answer = await client.post("/token", content=body, headers=FORM)
            if field == "grant_type" and kind in {"missing", "empty", "operator", "list"}:
                assert answer.status_code == 200, (kind, answer.text)
            else:
                judge(answer)


# Each way into the store that takes an id from a path; the other routes look the role up by the first of them.
PATHS = {
    "GET /roles/{bad}": "ROLE_NOT_FOUND",
    "GET /users/{bad}/roles": "USER_NOT_FOUND",
    "POST /users/{bad}/roles/{role}": "USER_NOT_FOUND",
    "DELETE /users/{user}/roles/{bad}": "ROLE_NOT_FOUND",
}


async def test_no_id_in_a_path_does_harm(auth: FastAuth[Any], app: FastAPI) -> None:
    """Whatever stands for an id in a path is not found, wherever in a path it stands."""
    user, headers = await make_user(auth, "superadmin")
    role = (await role_ids(auth))["premium"]
    sent = [(b"authorization", headers["Authorization"].encode()), (b"content-type", b"application/json")]

    for text in TEXTS:
        for route, code in PATHS.items():
            method, path = route.split(" ")
            path = path.format(bad=text.replace("/", ""), user=user.id, role=role)
            answer = await send_raw(app, method, path, headers=sent, chunks=[b"{}"])
            judge(answer)
            refused(answer, 404, code)


AUTHORIZATIONS = [
    MARKER.encode(),
    b"Bearer " + MARKER.encode(),
    b"Bearer " + MARKER.encode() + b"\x00",
    b"Bearer " + MARKER.encode() + b"\xff",
    b"Bearer\t" + MARKER.encode(),
    b"Bearer " + MARKER.encode() + b"x" * TEN_MEGABYTES,
    b"Bearer " + b"." * 3000,
    b"Bearer " + b"e30." * 1000,
    b"Bearer [object Object]",
    b'Bearer {"$ne": null}',
    b"Bearer " * 1000,
    b"\x00",
    b"\xff\xfe",
    b"",
]


@on_memory
async def test_no_authorization_header_does_harm(app: FastAPI) -> None:
    """Whatever stands in the ``Authorization`` header, the answer is 401."""
    for value in AUTHORIZATIONS:
        for path, method in {"/users/me": "GET", "/roles": "GET", "/logout": "POST"}.items():
            answer = await send_raw(app, method, path, headers=[(b"authorization", value)])
            judge(answer)
            refused(answer, 401, "INVALID_TOKEN")


COOKIES = [
    b"__Host-fastauth_access=" + MARKER.encode(),
    b"__Host-fastauth_access=" + MARKER.encode() + b"\x00\xff",
    b"__Host-fastauth_access=" + MARKER.encode() + b"x" * TEN_MEGABYTES,
    b'__Host-fastauth_access="' + MARKER.encode() + b'"',
    b"__Host-fastauth_access=" + MARKER.encode() + b"; __Host-fastauth_access=" + MARKER.encode(),
    b"__Host-fastauth_access=;__Host-fastauth_refresh=" + MARKER.encode(),
    b"__Host-fastauth_access",
    b"=" + MARKER.encode(),
    b";" * 10_000,
    b"\xff\x00",
    b"",
]


@pytest.fixture
async def cookie_app(make_auth: Callable[..., FastAuth[Any]]) -> FastAPI:
    """An app in cookie mode."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    return app


async def test_no_cookie_does_harm(cookie_app: FastAPI) -> None:
    """Whatever stands in the ``Cookie`` header, the answer is one of our errors, or a sign-out of nobody."""
    for value in COOKIES:
        for path, method in {"/users/me": "GET", "/token/refresh": "POST", "/logout": "POST"}.items():
            answer = await send_raw(cookie_app, method, path, headers=[(b"cookie", value)])
            if (path, answer.status_code) == ("/logout", 204):
                assert MARKER not in str(answer.headers)
            else:
                judge(answer)


async def test_no_query_does_harm(cookie_app: FastAPI) -> None:
    """No route of ours reads the query, and nothing that stands there makes one fail."""
    queries = [b"\xff", b"%FF", b"a" * 100_000, b"&&==;;", b"username=eve&username=ada", b"\x00"]
    routes = {"/token": "POST", "/register": "POST", "/users/me": "GET", "/logout": "POST", "/roles/1": "GET"}

    for query in queries:
        for path, method in routes.items():
            judge(await send_raw(cookie_app, method, path, query=query))


async def test_no_other_header_does_harm(cookie_app: FastAPI) -> None:
    """Whatever stands in another header, the answers are ours."""
    names = [b"content-type", b"content-length", b"user-agent", b"accept", b"x-forwarded-for", b"te", b"host"]
    values = [b"", b"\xff\x00", MARKER.encode() * 10_000, b'a/b; c="', b"application/json; charset=x"]

    for name in names:
        for value in values:
            headers = [(name, value), *([] if name == b"content-type" else [(b"content-type", b"application/json")])]
            for path in ("/token", "/register", "/token/refresh"):
                judge(await send_raw(cookie_app, "POST", path, headers=headers, chunks=[b"{}"]))
