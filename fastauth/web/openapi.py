"""Where Swagger's Authorize sends its form: worked out when the document is asked for, for wherever the route is."""

from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

_root_path: ContextVar[str] = ContextVar("fastauth_root_path", default="")
_MARK = "fastauth_token_urls"


def publish_token_url(app: FastAPI, *, scheme_name: str, endpoints: Collection[Callable[..., Any]]) -> None:
    """Make the app's OpenAPI document name the true address of the token route.

    The address depends on the prefix of the router and on the ``root_path`` of each request (a proxy's, or a mount's),
    and Swagger UI resolves a relative one against a server address whose last segment it drops. So it is always
    absolute, and written for each request anew.

    Args:
        app: The app whose document it is.
        scheme_name: The security scheme to write it into.
        endpoints: The handlers of the token route, by which the route is found.
    """
    known: dict[str, Collection[Callable[..., Any]]] | None = getattr(app.state, _MARK, None)
    if known is not None:
        known[scheme_name] = endpoints
        return
    known = {scheme_name: endpoints}
    setattr(app.state, _MARK, known)
    make_document = app.openapi

    def openapi() -> dict[str, Any]:
        document = make_document()
        for name, each in known.items():
            path = _path_of(app, each)
            if path is not None:
                document = _with_token_url(document, name, _root_path.get().rstrip("/") + path)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    for route in app.router.routes:
        if isinstance(route, Route) and route.path == app.openapi_url:
            route.app = _remembering_root_path(route.app)


def _remembering_root_path(inner: ASGIApp) -> ASGIApp:
    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        token = _root_path.set(scope.get("root_path", ""))
        try:
            await inner(scope, receive, send)
        finally:
            _root_path.reset(token)

    return outer


def _path_of(app: FastAPI, endpoints: Collection[Callable[..., Any]]) -> str | None:
    return next((each.path for each in iter_route_contexts(app.routes) if each.endpoint in endpoints), None)


def _with_token_url(document: dict[str, Any], scheme_name: str, token_url: str) -> dict[str, Any]:
    # Copied, not mended: FastAPI keeps the document for the next request, which may have another root_path.
    schemes = document.get("components", {}).get("securitySchemes", {})
    if scheme_name not in schemes:
        return document
    scheme = schemes[scheme_name]
    password = {**scheme["flows"]["password"], "tokenUrl": token_url}
    schemes = {**schemes, scheme_name: {**scheme, "flows": {**scheme["flows"], "password": password}}}
    return {**document, "components": {**document["components"], "securitySchemes": schemes}}
