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

CODES = {400: "BAD_REQUEST", 404: "NOT_FOUND", 413: "TOO_LARGE", 422: "VALIDATION_ERROR"}
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
    MARKER + "x" * TEN_MEGABYTES,
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


@pytest.mark.parametrize(("route", "field"), [(route, field) for route, good in JSON_ROUTES.items() for field in good])
async def test_no_value_of_a_json_field_does_harm(
    auth: FastAuth[Any], client: AsyncClient, route: str, field: str
) -> None:
    """Whatever stands in a JSON field, the answer is one of our errors, or the value is as good as any other."""
    _, headers = await make_user(auth, "admin")
    editor = await auth.roles.create("editor")
    method, path = route.format(editor=editor.id).split(" ")
    good = JSON_ROUTES[route]
    twice = json.dumps(good)[:-1] + f', "{field}": "{MARKER}"}}'
    bodies = {
        **{kind: body_with(good, field, value) for kind, value in JSON_VALUES.items()},
        "missing": json.dumps({name: value for name, value in good.items() if name != field}).encode(),
        "repeated": twice.encode(),
    }

    for kind, body in bodies.items():
        answer = await client.request(
            method, path, content=body, headers={**headers, "content-type": "application/json"}
        )
        if kind not in WELCOME.get((route, field), set()):
            judge(answer)
            continue
        assert MARKER not in answer.text or field == "description", (kind, answer.text)
        assert answer.status_code in {200, 201}, (kind, answer.text)
        if route == "POST /register":
            await auth.accounts.delete(str(answer.json()["id"]))
        elif route == "POST /roles":
            await auth.roles.delete(answer.json()["id"])


@pytest.mark.parametrize("field", ["username", "password", "grant_type"])
async def test_no_value_of_a_form_field_does_harm(client: AsyncClient, field: str) -> None:
    """Whatever stands in a field of the sign-in form, the answer is one of our errors."""
    await register(client)
    good = {"username": b"ada", "password": PASSWORD.replace(" ", "+").encode(), "grant_type": b"password"}
    others = b"".join(name.encode() + b"=" + value + b"&" for name, value in good.items() if name != field)
    bodies = {kind: others + field.encode() + b"=" + value for kind, value in FORM_VALUES.items()}
    bodies |= {
        "missing": others,
        "repeated": others + f"{field}={MARKER}&{field}={MARKER}".encode(),
        "operator": others + f"{field}[$ne]={MARKER}".encode(),
        "list": others + f"{field}[]={MARKER}".encode(),
    }

    for kind, body in bodies.items():
        answer = await client.post(
            "/token", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        if field == "grant_type" and kind in {"missing", "empty", "operator", "list"}:
            assert answer.status_code == 200, (kind, answer.text)
        else:
            judge(answer)


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ("GET /roles/{bad}", "ROLE_NOT_FOUND"),
        ("PUT /roles/{bad}", "ROLE_NOT_FOUND"),
        ("DELETE /roles/{bad}", "ROLE_NOT_FOUND"),
        ("GET /users/{bad}/roles", "USER_NOT_FOUND"),
        ("POST /users/{bad}/roles/{role}", "USER_NOT_FOUND"),
        ("DELETE /users/{bad}/roles/{role}", "USER_NOT_FOUND"),
        ("POST /users/{user}/roles/{bad}", "ROLE_NOT_FOUND"),
        ("DELETE /users/{user}/roles/{bad}", "ROLE_NOT_FOUND"),
    ],
)
async def test_no_id_in_a_path_does_harm(auth: FastAuth[Any], app: FastAPI, route: str, code: str) -> None:
    """Whatever stands for an id in a path is not found."""
    user, headers = await make_user(auth, "superadmin")
    role = (await role_ids(auth))["premium"]
    sent = [(b"authorization", headers["Authorization"].encode()), (b"content-type", b"application/json")]
    method, path = route.split(" ")

    for text in TEXTS:
        bad = text.replace("/", "")
        answer = await send_raw(
            app, method, path.format(bad=bad, user=user.id, role=role), headers=sent, chunks=[b"{}"]
        )
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


@pytest.mark.parametrize(("method", "path"), [("GET", "/users/me"), ("GET", "/roles"), ("POST", "/logout")])
@on_memory
async def test_no_authorization_header_does_harm(app: FastAPI, method: str, path: str) -> None:
    """Whatever stands in the ``Authorization`` header, the answer is 401."""
    for value in AUTHORIZATIONS:
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


@pytest.mark.parametrize(("method", "path"), [("GET", "/users/me"), ("POST", "/token/refresh"), ("POST", "/logout")])
async def test_no_cookie_does_harm(cookie_app: FastAPI, method: str, path: str) -> None:
    """Whatever stands in the ``Cookie`` header, the answer is one of our errors, or a sign-out of nobody."""
    for value in COOKIES:
        answer = await send_raw(cookie_app, method, path, headers=[(b"cookie", value)])
        if (path, answer.status_code) == ("/logout", 204):
            assert MARKER not in str(answer.headers)
        else:
            judge(answer)


@pytest.mark.parametrize("query", [b"\xff", b"%FF", b"a" * 100_000, b"&&==;;", b"username=eve&username=ada", b"\x00"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/token"), ("POST", "/register"), ("GET", "/users/me"), ("POST", "/logout")]
)
async def test_no_query_does_harm(cookie_app: FastAPI, method: str, path: str, query: bytes) -> None:
    """No route of ours reads the query, and nothing that stands there makes one fail."""
    judge(await send_raw(cookie_app, method, path, query=query))


@pytest.mark.parametrize(
    "name", [b"content-type", b"content-length", b"user-agent", b"accept", b"x-forwarded-for", b"te"]
)
@pytest.mark.parametrize(
    "value", [b"", b"\xff\x00", MARKER.encode() * 10_000, b'a/b; c="', b"application/json; charset=x"]
)
async def test_no_other_header_does_harm(cookie_app: FastAPI, name: bytes, value: bytes) -> None:
    """Whatever stands in another header, the answers are ours."""
    for path in ("/token", "/register", "/token/refresh"):
        headers = [(name, value), (b"content-type", b"application/json")][: 1 if name == b"content-type" else 2]
        judge(await send_raw(cookie_app, "POST", path, headers=headers, chunks=[b"{}"]))
