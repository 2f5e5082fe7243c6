"""From an exception to an answer: one table of statuses, one shape, one handler."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.status import WS_1008_POLICY_VIOLATION, WS_1013_TRY_AGAIN_LATER
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastauth.core.exceptions import (
    AuthenticationException,
    AuthorizationException,
    BadRequestException,
    ConflictException,
    FastAuthException,
    NotFoundException,
    PermissionDeniedException,
    RateLimitedException,
    TokenException,
    TooLargeException,
    UnavailableException,
    ValidationException,
)

STATUS_BY_CLASS: Mapping[type[FastAuthException], int] = {
    BadRequestException: 400,
    AuthenticationException: 401,
    AuthorizationException: 403,
    NotFoundException: 404,
    ConflictException: 409,
    TooLargeException: 413,
    ValidationException: 422,
    RateLimitedException: 429,
    UnavailableException: 503,
}
"""The status of each branch of the error tree; a leaf has its branch's, unless it stands here itself.

What has no branch here, ``ConfigurationError`` above all, is a mistake in the app and no answer to a client.
"""

SAFE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",  # for caches of HTTP/1.0 (RFC 6749, 5.1)
    "X-Content-Type-Options": "nosniff",
}
"""What every answer of our routes and every one of our errors carries."""


def status_of(error: FastAuthException | type[FastAuthException]) -> int:
    """Return the status of an error, found along its class's ancestors."""
    error_class = error if isinstance(error, type) else type(error)
    return next((STATUS_BY_CLASS[each] for each in error_class.__mro__ if each in STATUS_BY_CLASS), 500)


def envelope(error: FastAuthException) -> dict[str, Any]:
    """Return the one shape of every error."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "status_code": status_of(error)}
    if isinstance(error, ValidationException) and error.details:
        body["details"] = error.details
    return {"error": body}


def headers_of(error: FastAuthException) -> dict[str, str]:
    """Return the headers that belong to an error (RFC 6750, 3; RFC 9110, 10.2.3)."""
    headers = dict(SAFE_HEADERS)
    if isinstance(error, TokenException) and not error.missing:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif isinstance(error, AuthenticationException):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, PermissionDeniedException):
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    if isinstance(error, (RateLimitedException, UnavailableException)):
        headers["Retry-After"] = str(error.retry_after)
    return headers


class ErrorResponse(HTTPException):
    """One of our errors on its way to a client.

    It is an ``HTTPException``, so that an app that has not installed our handlers still answers with the right status
    and a plain ``detail``.
    """

    def __init__(self, error: FastAuthException, *, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(status_of(error), detail=error.message, headers={**headers_of(error), **headers})
        self.error = error


def refusal(error: FastAuthException, connection: HTTPConnection) -> Exception:
    """Return what to raise for an error, on a request or on a WebSocket that is not accepted yet."""
    if connection.scope["type"] == "websocket":
        return WebSocketException(close_code_of(error), error.code)
    return ErrorResponse(error)


def close_code_of(error: FastAuthException) -> int:
    """Return the code with which a WebSocket is closed for an error (RFC 6455, 7.4.1)."""
    busy = isinstance(error, UnavailableException)
    return WS_1013_TRY_AGAIN_LATER if busy else WS_1008_POLICY_VIOLATION


class WatchedSocketClosed(WebSocketDisconnect):
    """A watched WebSocket was closed for its session; to the route it is as if the client had gone."""


async def _let_go(_: WebSocket, __: Exception) -> None:
    """Do nothing: the WebSocket is closed, and its route has no more to say."""


async def _answer(_: Request, error: Exception) -> JSONResponse:
    ours = error.error if isinstance(error, ErrorResponse) else error
    if not isinstance(ours, FastAuthException) or status_of(ours) == 500:
        raise error  # a mistake in the app's code is no answer to its clients
    headers = dict(error.headers or {}) if isinstance(error, ErrorResponse) else headers_of(ours)
    return JSONResponse(envelope(ours), status_of(ours), headers)


def install_exception_handlers(app: FastAPI) -> None:
    """Give every error of ours its shape, also where a route of the app raises it."""
    app.add_exception_handler(ErrorResponse, _answer)
    app.add_exception_handler(FastAuthException, _answer)
    app.add_exception_handler(WatchedSocketClosed, _let_go)
