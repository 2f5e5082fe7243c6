"""The public keys, for services that only verify."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from fastauth.web.schemas import KeySetRead

JWKS_PATH = "/.well-known/jwks.json"
JWKS_MAX_AGE = 300
"""Seconds that others may keep the keys: a new key is published for longer than that before it signs."""


class KeySetResponse(JSONResponse):
    """A set of keys, under its own media type (RFC 7517, 8.5.1); as a class, the OpenAPI document names it, too."""

    media_type = "application/jwk-set+json"


def key_routes(keys: Sequence[dict[str, str]]) -> APIRouter:
    """Build ``GET /.well-known/jwks.json`` (RFC 7517, 5), of the keys that there are when it is asked."""
    router = APIRouter(tags=["keys"])
    headers = {"Cache-Control": f"public, max-age={JWKS_MAX_AGE}", "X-Content-Type-Options": "nosniff"}

    # No route of the class of ours, whose answers are never kept; this one is the same for everybody.
    @router.get(JWKS_PATH, summary="Public keys", response_model=KeySetRead, response_class=KeySetResponse)
    async def read_keys() -> Response:
        """Return the public keys that tokens are verified with."""
        return KeySetResponse({"keys": keys}, headers=headers)

    return router
