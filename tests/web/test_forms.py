"""Forms are read strictly: no repeated field, no bytes that are not UTF-8, no way to break the parser."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, register
from tests.web.helpers import refused

FORM = {"content-type": "application/x-www-form-urlencoded"}


GOOD_FORM = f"username=ada&password={PASSWORD}".replace(" ", "+").encode()


@pytest.fixture
def store() -> MemoryStore:
    """How a body is read does not depend on the store."""
    return MemoryStore()


def multipart(*fields: tuple[bytes, bytes], charset: bytes = b"utf-8") -> dict[str, Any]:
    parts = b"".join(b'--limit\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field for field in fields)
    content_type = b"multipart/form-data; boundary=limit; charset=" + charset
    return {"content": parts + b"--limit--\r\n", "headers": {b"content-type": content_type}}


@pytest.mark.parametrize(
    "body",
    [
        GOOD_FORM + b"&username=eve",
        GOOD_FORM + b"&username=ada",
        GOOD_FORM + b"&user%6eame=eve",
        GOOD_FORM + b"&scope=a&scope=b",
        GOOD_FORM + b"&x=&x=",
        GOOD_FORM + b"&x=\xff",
        GOOD_FORM + b"&x=%FF",
        GOOD_FORM + b"&%ED%A0%80=1",
        b"&".join(b"x%d=1" % n for n in range(5000)),
    ],
)
async def test_r_ht_6_a_form_is_read_strictly(client: AsyncClient, body: bytes) -> None:
    """A form with a repeated field, with bytes that are not UTF-8, or with a flood of fields, cannot be read."""
    await register(client)

    refused(await client.post("/token", content=body, headers=FORM), 400, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/register", "/token/refresh"])
@pytest.mark.parametrize("options", [{"data": {"a": "1"}}, multipart((b"a", b"1"))])
async def test_a_form_where_json_belongs_is_invalid(client: AsyncClient, path: str, options: dict[str, Any]) -> None:
    """A form that is sent to a route that takes JSON is invalid, in our shape."""
    refused(await client.post(path, **options), 422, "VALIDATION_ERROR")


async def test_an_empty_form_is_no_body(client: AsyncClient) -> None:
    """An empty form is as good as no body, where none is needed."""
    refused(await client.post("/token/refresh", content=b"", headers=FORM), 401, "INVALID_REFRESH_TOKEN")


async def test_a_semicolon_separates_no_fields(client: AsyncClient) -> None:
    """A semicolon in a form is a character like any other, so that no second field can be smuggled past a filter."""
    await register(client, password="good password;username=eve")
    body = b"username=ada&password=good+password;username=eve"

    assert (await client.post("/token", content=body, headers=FORM)).status_code == 200


async def test_a_multipart_form_is_a_form(client: AsyncClient) -> None:
    """A multipart form signs in like the other one."""
    await register(client)
    fields = ((b"username", b"ada"), (b"password", PASSWORD.encode()))

    assert (await client.post("/token", **multipart(*fields))).status_code == 200


@pytest.mark.parametrize(
    "request_options",
    [
        multipart((b"username", b"ada"), (b"username", b"eve"), (b"password", b"x")),
        {"content": b"", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"no parts", "headers": {"content-type": "multipart/form-data; boundary=limit"}},
        {
            "content": b"--limit\r\n\r\nx\r\n--limit--",
            "headers": {"content-type": "multipart/form-data; boundary=limit"},
        },
        multipart(*((b"x%d" % n, b"") for n in range(1100))),
    ],
)
async def test_a_multipart_form_is_read_strictly(client: AsyncClient, request_options: dict[str, Any]) -> None:
    """A multipart form with a repeated field, a broken frame or too many parts cannot be read."""
    refused(await client.post("/token", **request_options), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "charset", ["undefined", "punycode", "idna", "unicode_escape", "hex", "utf-7", "utf-16", "x" * 999]
)
async def test_a_false_charset_is_no_failure(client: AsyncClient, charset: str) -> None:
    """A charset that does not fit, is no charset, or is a codec that fails in its own way, is an error of ours."""
    answer = await client.post(
        "/token", **multipart((b"username", b"-\\ud800..\xff"), (b"password", b"x"), charset=charset.encode())
    )

    code = {400: "BAD_REQUEST", 401: "INVALID_CREDENTIALS", 422: "VALIDATION_ERROR"}[answer.status_code]
    refused(answer, answer.status_code, code)


async def test_a_file_is_no_text(client: AsyncClient) -> None:
    """A file in the place of a text is invalid, and nothing of it is repeated."""
    answer = await client.post(
        "/token", files={"username": ("MARKER.txt", b"MARKER"), "password": ("MARKER", b"MARKER" * 1000)}
    )

    refused(answer, 422, "VALIDATION_ERROR")
    assert "MARKER" not in answer.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/mixed; boundary=x", None])
async def test_a_form_under_another_media_type_is_invalid(client: AsyncClient, content_type: str | None) -> None:
    """A form under another media type has no fields."""
    await register(client)
    headers = {} if content_type is None else {"content-type": content_type}

    answer = await client.post("/token", content=GOOD_FORM, headers=headers)

    if content_type == "application/json":
        refused(answer, 400, "BAD_REQUEST")
        return
    assert refused(answer, 422, "VALIDATION_ERROR")["message"] == "Send a form, as application/x-www-form-urlencoded."


async def test_json_in_the_place_of_a_form_is_told_what_to_send(client: AsyncClient) -> None:
    """Who signs in with JSON is told to send a form, and not that fields are missing."""
    answer = await client.post("/token", json={"username": "ada", "password": PASSWORD})

    assert refused(answer, 422, "VALIDATION_ERROR")["details"] == [
        {"loc": ["body"], "msg": "Send a form, as application/x-www-form-urlencoded.", "type": "media_type"}
    ]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_what_is_no_json_is_told_what_to_send(client: AsyncClient, content_type: str | None) -> None:
    """Who registers with anything but JSON is told to send JSON, in words of ours."""
    headers = {} if content_type is None else {"content-type": content_type}

    answer = await client.post("/register", content=b"username=ada&email=a@example.com", headers=headers)

    if content_type is None:
        refused(answer, 400, "BAD_REQUEST")  # it may be JSON for an app that is not strict, and is judged as that
        return
    assert refused(answer, 422, "VALIDATION_ERROR")["details"] == [
        {"loc": ["body"], "msg": "Send JSON, as application/json.", "type": "media_type"}
    ]


async def test_json_of_the_wrong_shape_is_told_so(client: AsyncClient) -> None:
    """Under the right media type, what is wrong with the body itself is told."""
    answer = await client.post("/register", json=[])

    assert refused(answer, 422, "VALIDATION_ERROR")["details"][0]["type"] != "media_type"
