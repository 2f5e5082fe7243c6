"""Bodies are read strictly and within bounds, before anything else looks at them."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import BadRequestException, FastAuth, RoleExistsException, UserExistsException, ValidationException
from fastauth.backends.memory import MemoryStore
from fastauth.web.bodies import MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_JSON_NAMES
from fastauth.web.routing import responses
from tests.conftest import PASSWORD, client_of
from tests.web.helpers import SAFE_HEADERS, refused, send_raw

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


ADA = json.dumps({"username": "ada", "email": "ada@example.com", "password": PASSWORD})


@pytest.fixture
def store() -> MemoryStore:
    """How a body is read does not depend on the store."""
    return MemoryStore()


async def post_json(client: AsyncClient, body: str | bytes, path: str = "/register") -> Response:
    return await client.post(path, content=body, headers=JSON)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "nonsense",
        '{"username": "ada",}',
        "{'username': 'ada'}",
        ADA + "{}",
        "\ufeff" + ADA,
        ADA.encode("utf-16"),
        ADA.encode("utf-32"),
        b'{"username": "\xff"}',
        b'{"username": "\xed\xa0\x80"}',
        b'{"username": "\xc0\xaf"}',
        '{"username": "line\nbreak"}',
        '{"username": "\x00"}',
        '{"username": ' + "7" * 5000 + "}",
        "[" * 30_000,
        "[" * 30_000 + "]" * 30_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
    ],
)
async def test_a_body_that_is_not_json_is_a_bad_request(client: AsyncClient, body: str | bytes) -> None:
    """A body that is not strict UTF-8 JSON, or is nested or long beyond reason, cannot be read."""
    refused(await post_json(client, body), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "body",
    [
        ADA[:-1] + ', "username": "eve"}',
        ADA[:-1] + ', "username": "ada"}',
        ADA[:-1] + ', "user\\u006eame": "eve"}',
        ADA[:-1] + ', "extra": {"a": 1, "a": 2}}',
        '[{"a": 1, "a": 2}]',
    ],
)
async def test_a_repeated_name_is_a_bad_request(client: AsyncClient, body: str) -> None:
    """A name that is repeated in a JSON object, at any depth and in any spelling, is a bad request."""
    refused(await post_json(client, body), 400, "BAD_REQUEST")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"\\ud800"', '"\\udfff x"', '{"\\ud800": 1}'])
async def test_a_value_that_json_has_not_is_invalid(client: AsyncClient, value: str) -> None:
    """NaN, infinities and half a surrogate pair, as a value or in a name, are invalid values."""
    answer = await post_json(client, ADA[:-1] + f', "extra": {value}}}')

    assert [detail["type"] for detail in refused(answer, 422, "VALIDATION_ERROR")["details"]] == ["json_value"]


async def test_a_whole_surrogate_pair_is_one_character(client: AsyncClient) -> None:
    """An escaped surrogate pair is one character like any other."""
    body = ADA.replace(PASSWORD, "\\ud83d\\ude00" * 8)

    assert (await post_json(client, body)).status_code == 201
    assert (await client.post("/token", data={"username": "ada", "password": "\U0001f600" * 8})).status_code == 200


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_nesting_has_a_bound(client: AsyncClient, opening: str, closing: str) -> None:
    """JSON is nested 32 levels deep at most, and deeper JSON is refused before it is parsed."""

    async def nested(depth: int) -> Response:
        inner = depth - 1  # the body is an object itself
        return await post_json(client, f'{{"username":{opening * inner}1{closing * inner}}}')

    refused(await nested(MAX_JSON_DEPTH), 422, "VALIDATION_ERROR")
    for depth in (MAX_JSON_DEPTH + 1, 1000, 10_000):
        assert "nested deeper" in refused(await nested(depth), 400, "BAD_REQUEST")["message"]


async def test_names_have_a_bound(client: AsyncClient) -> None:
    """A JSON body has 1,000 names at most, wherever they are."""

    async def named(number: int) -> Response:
        names = ",".join(f'"n{index}":0' for index in range(number))
        return await post_json(client, f"[{{}}, {{{names}}}]")

    refused(await named(MAX_JSON_NAMES), 422, "VALIDATION_ERROR")
    assert "more than 1000 names" in refused(await named(MAX_JSON_NAMES + 1), 400, "BAD_REQUEST")["message"]


async def test_what_stands_in_a_text_does_not_count(client: AsyncClient) -> None:
    """Braces, colons and escaped quotes within a text are neither nesting nor names."""
    text = '{"[:' * 1000 + "\\"

    answer = await post_json(client, json.dumps({**json.loads(ADA), "password": text[:1000] + "\\"}))

    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("body", ['"', '"' + '\\"' * 30_000, "\\" * 60_000, '"' + "\\" * 60_001, '"a' * 30_000])
async def test_a_text_without_end_is_refused_in_one_step(client: AsyncClient, body: str) -> None:
    """A text that never ends, or that is nothing but escapes, is no JSON, and costs no more than its length."""
    refused(await post_json(client, body), 400, "BAD_REQUEST")


@pytest.mark.parametrize("body", ["null", "[]", "7", '"text"', "true", "{}", ""])
async def test_json_that_is_no_object_is_invalid(client: AsyncClient, body: str) -> None:
    """JSON that is no object with the fields of the route is invalid."""
    refused(await post_json(client, body), 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=x", "application/vnd.a+json"])
async def test_json_comes_under_its_media_types(client: AsyncClient, content_type: str) -> None:
    """JSON is read under ``application/json`` and every ``+json`` type, in any case and with any parameters."""
    answer = await client.post("/register", content=ADA, headers={"content-type": content_type})

    assert answer.status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "json", "text/json", None])
async def test_json_under_another_media_type_is_invalid(client: AsyncClient, content_type: str | None) -> None:
    """JSON under a media type that a cross-site form can send is not read as JSON."""
    headers = {} if content_type is None else {"content-type": content_type}

    refused(await client.post("/register", content=ADA, headers=headers), 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("headers", [{}, {"content-type": ""}])
@pytest.mark.parametrize("is_strict", [True, False])
async def test_json_without_a_media_type_is_read_as_strictly(
    make_auth: Callable[..., FastAuth[Any]], headers: dict[str, str], *, is_strict: bool
) -> None:
    """Where the app takes a body without a content type for JSON, it is judged as JSON; no app reads one unjudged."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    app = FastAPI(strict_content_type=is_strict)
    auth.setup(app)

    async with client_of(app) as client:
        for body in (ADA[:-1] + ', "username": "eve"}', "{", b"\xff", "[" * 30_000):
            refused(await client.post("/register", content=body, headers=headers), 400, "BAD_REQUEST")
        lone = ADA[:-1] + ', "extra": "\\ud800"}'
        refused(await client.post("/register", content=lone, headers=headers), 422, "VALIDATION_ERROR")
        refused(await client.post("/token/refresh", content=b"", headers=headers), 401, "INVALID_REFRESH_TOKEN")
        refused(await client.post("/token", content=b"username=ada", headers=headers), 422, "VALIDATION_ERROR")
        good = await client.post("/register", content=ADA, headers=headers)

    assert good.status_code == (422 if is_strict else 201)


@pytest.mark.parametrize("path", ["/token", "/token/refresh", "/register", "/roles"])
@pytest.mark.parametrize("headers", [JSON, FORM, {"content-type": "multipart/form-data; boundary=x"}, {}])
async def test_a_body_over_the_limit_is_too_large(client: AsyncClient, path: str, headers: dict[str, str]) -> None:
    """A body over 64 KiB is refused on every route with a body and under every media type."""
    answer = await client.post(path, content=b"x" * (MAX_BODY_BYTES + 1), headers=headers)

    refused(answer, 413, "TOO_LARGE")


async def test_a_body_at_the_limit_is_read(client: AsyncClient) -> None:
    """A body of exactly 64 KiB is read."""
    body = ADA[:-1].encode() + b" " * (MAX_BODY_BYTES - len(ADA)) + b"}"

    assert len(body) == MAX_BODY_BYTES == 64 * 1024
    assert (await post_json(client, body)).status_code == 201


async def test_an_announced_size_is_refused_before_the_body_is_read(app: FastAPI) -> None:
    """A body that is announced too large is refused before a byte of it is read."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"10000000")]

    # Without a single chunk the body is a client that has gone, which reading would raise.
    refused(await send_raw(app, "POST", "/register", headers=headers, chunks=[]), 413, "TOO_LARGE")


async def test_an_unannounced_body_is_read_to_the_limit_only(client: AsyncClient) -> None:
    """A body that streams on without end is refused at the limit, and no more of it is read than that."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"x" * 1024

    refused(await client.post("/register", content=endless(), headers=JSON), 413, "TOO_LARGE")
    assert sent == MAX_BODY_BYTES + 1024


@pytest.mark.parametrize("length", [b"", b"-1", b"1e9", b"0x7f", b"x", b"+5", b"\xb2", b"9" * 400, b"9" * 5000])
async def test_a_strange_content_length_is_no_failure(app: FastAPI, length: bytes) -> None:
    """A ``Content-Length`` that is no number is ignored, and one that is enormous is too large."""
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]

    answer = await send_raw(app, "POST", "/register", headers=headers, chunks=[ADA.encode()])

    assert answer.status_code == (413 if length.startswith(b"99") else 201)


async def test_a_body_in_pieces_is_one_body(app: FastAPI) -> None:
    """A body that arrives in pieces, cut within a character, is read as one."""
    body = ADA.replace("ada", "ad\u00e9").replace("ad\u00e9@", "ada@").encode()
    pieces = [body[index : index + 1] for index in range(len(body))]

    answer = await send_raw(app, "POST", "/register", headers=[(b"content-type", b"application/json")], chunks=pieces)

    assert (answer.status_code, answer.json()["username"]) == (201, "ad\u00e9")


async def test_a_route_without_a_body_reads_none(app: FastAPI) -> None:
    """A route without a body does not read what is sent, however large it claims to be."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"99999999")]

    refused(await send_raw(app, "GET", "/users/me", headers=headers, chunks=[b"{" * 70_000]), 401, "INVALID_TOKEN")


async def test_a_body_is_judged_without_handlers_too(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """An app that has not installed our handlers reads bodies as strictly."""
    auth = make_auth(MemoryStore())
    app = FastAPI()
    app.include_router(auth.get_account_router())

    async with client_of(app) as client:
        repeated = await post_json(client, ADA[:-1] + ', "username": "MARKER"}')
        large = await post_json(client, b"MARKER" * 20_000)

    assert (repeated.status_code, large.status_code) == (400, 413)
    assert "MARKER" not in repeated.text + large.text
    assert repeated.headers.items() >= SAFE_HEADERS.items()


def test_documented_errors_of_one_status_share_an_entry() -> None:
    """The documentation of errors names every code of a status in one entry."""
    documented = responses(BadRequestException, UserExistsException, RoleExistsException, ValidationException)

    assert {status: entry["description"] for status, entry in documented.items()} == {
        400: "`FASTAUTH_BAD_REQUEST`",
        409: "`FASTAUTH_USER_EXISTS`, `FASTAUTH_ROLE_EXISTS`",
        422: "`FASTAUTH_VALIDATION_ERROR`",
    }
