"""The class of all our routes: bodies are read strictly and within bounds, and answers carry the safe headers."""

import json
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from fastauth.core.exceptions import (
    BadRequestException,
    ErrorDetail,
    FastAuthException,
    TooLargeException,
    ValidationException,
)
from fastauth.core.models import Client
from fastauth.services.events import current_client
from fastauth.web.error_handlers import SAFE_HEADERS, ErrorResponse, status_of
from fastauth.web.schemas import ErrorRead

MAX_BODY_BYTES = 64 * 1024
_MAX_DIGITS = 20
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class AuthRoute(APIRoute):
    """A route of ours. Its errors are ours too, whether or not the app has installed our handlers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, between a strict reader and the safe headers."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def handle_strictly(request: Request) -> Response:
            came_from = current_client.set(_client_of(request))
            try:
                response = await handle(await _read_strictly(request) if has_body else request)
            except FastAuthException as error:
                if status_of(error) == 500:
                    raise  # a mistake in the app's set-up is for its log, and no answer to its clients
                raise ErrorResponse(error) from error
            except RequestValidationError as error:
                raise ErrorResponse(ValidationException(details=_details(error.errors()))) from None
            finally:
                current_client.reset(came_from)
            response.headers.update(SAFE_HEADERS)
            return response

        return handle_strictly


def _client_of(request: Request) -> Client:
    return Client(request.client.host if request.client is not None else None, request.headers.get("user-agent"))


def responses(*errors: type[FastAuthException]) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors that a route answers with, from their classes."""
    documented: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = documented.setdefault(status_of(error), {"model": ErrorRead, "description": ""})
        entry["description"] = ", ".join(filter(None, [entry["description"], f"`{error.code}`"]))
    return documented


async def _read_strictly(request: Request) -> Request:
    body = await _read_within_bounds(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        _check_json(body)
    elif media_type == "application/x-www-form-urlencoded":
        _check_utf8(unquote_to_bytes(body))

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, replay)
    if media_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        try:
            form = await again.form()
        except Exception as error:  # a hostile form finds many ways to break a parser, and each is a form like no other
            raise BadRequestException("The form cannot be read.") from error
        if len(form.multi_items()) != len(form):
            raise BadRequestException("A field of the form is repeated.")
    return again


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
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant) if text else None
    except (ValueError, RecursionError) as error:
        raise BadRequestException("The request body is not JSON.") from error
    if "\\u" in text and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        _refuse_value("Half of a surrogate pair is no character.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadRequestException("A name in the JSON body is repeated.")
    return value


def _no_constant(name: str) -> NoReturn:
    _refuse_value(f"{name} is no JSON value.")


def _refuse_value(message: str) -> NoReturn:
    raise ValidationException(details=[ErrorDetail(loc=["body"], msg=message, type="json_value")])


def _details(errors: Sequence[Any]) -> list[ErrorDetail]:
    # Only these three: "input" holds what was sent, and "ctx" may.
    return [ErrorDetail(loc=list(error["loc"]), msg=error["msg"], type=error["type"]) for error in errors]
