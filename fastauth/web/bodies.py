"""How a request's body is read: strictly, within bounds, and before anything else looks at it."""

import json
import re
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.types import Message

from fastauth.core.exceptions import BadRequestException, ErrorDetail, TooLargeException, ValidationException

MAX_BODY_BYTES = 64 * 1024
MAX_JSON_DEPTH = 32
MAX_JSON_NAMES = 1000
_MAX_DIGITS = 20
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# A string to its end, or to the end of the text: so it is skipped in one step, whatever is in it.
_JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]:]', re.DOTALL)


async def read_strictly(request: Request, *, is_form: bool) -> Request:
    """Return the request with its body read and found readable.

    Args:
        request: The request, whose body nobody has read yet.
        is_form: Whether the route takes a form.

    Raises:
        BadRequestException: The body is no UTF-8, no JSON, nested too deep, has a repeated name or field, or is a form
            that cannot be read.
        TooLargeException: It is larger than 64 KiB.
        ValidationException: It holds what JSON has not: ``NaN``, or half of a surrogate pair.
    """
    body = await _read_within_bounds(request)
    content_type = request.headers.get("content-type", "")
    media_type = _media_type(content_type)
    # The framework takes a body without a content type for JSON, too, where the app says strict_content_type=False.
    is_untyped = not content_type and not is_form
    if is_untyped or _is_json(media_type):
        _check_json(body)
    elif media_type == "application/x-www-form-urlencoded":
        _check_utf8(unquote_to_bytes(body))

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, replay)
    # Only where a form is wanted: the framework reads a form once, and would find a spent body in its place.
    if is_form and media_type in _FORMS:
        try:
            form = await again.form()
        except Exception as error:  # a hostile form finds many ways to break a parser, and each is a form like no other
            raise BadRequestException("The form cannot be read.") from error
        if len(form.multi_items()) != len(form):
            raise BadRequestException("A field of the form is repeated.")
    return again


def wanted_media_type(request: Request, *, is_form: bool) -> str | None:
    """Return in words what to send instead of a body of this type; None where the type is what the route takes."""
    media_type = _media_type(request.headers.get("content-type", ""))
    if is_form:
        return None if media_type in _FORMS else "Send a form, as application/x-www-form-urlencoded."
    return None if _is_json(media_type) else "Send JSON, as application/json."


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


async def _read_within_bounds(request: Request) -> bytes:
    body = bytearray()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _MAX_DIGITS or int(declared) > MAX_BODY_BYTES):
        raise TooLargeException(limit=MAX_BODY_BYTES)
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeException(limit=MAX_BODY_BYTES)
    return bytes(body)


def _check_utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestException("The request body is not UTF-8.") from error


def _check_json(body: bytes) -> None:
    text = _check_utf8(body)
    _check_json_bounds(text)
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant) if text else None
    except ValueError as error:
        raise BadRequestException("The request body is not JSON.") from error
    if "\\u" in text and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        _refuse_value("Half of a surrogate pair is no character.")


def _check_json_bounds(text: str) -> None:
    depth = names = 0
    for part in _JSON_PART.finditer(text):
        kind = part[0]
        depth += (kind in "{[") - (kind in "}]")
        names += kind == ":"
        if depth > MAX_JSON_DEPTH or names > MAX_JSON_NAMES:
            raise BadRequestException(
                f"The JSON body is nested deeper than {MAX_JSON_DEPTH} levels, or has more than {MAX_JSON_NAMES} names."
            )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadRequestException("A name in the JSON body is repeated.")
    return value


def _no_constant(name: str) -> NoReturn:
    _refuse_value(f"{name} is no JSON value.")


def _refuse_value(message: str) -> NoReturn:
    raise ValidationException(details=[ErrorDetail(loc=["body"], msg=message, type="json_value")])
