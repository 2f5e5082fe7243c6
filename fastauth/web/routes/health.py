"""Liveness and readiness, for whoever starts, stops and balances the app's processes."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from fastauth.services.health import Health
from fastauth.web.schemas import HealthRead, LivenessRead
from fastauth.web.selection import AuthRouter, Selection

HEALTH_ROUTES = frozenset({"check_liveness", "check_readiness"})
_RETRY_AFTER = "2"  # seconds


def health_routes(check: Callable[[], Awaitable[Health]], selection: Selection) -> APIRouter:
    """Build ``GET /health/live`` and ``GET /health/ready``, which ask nobody to sign in."""
    router = AuthRouter(selection, tag="health")

    @router.get("/health/live", summary="Liveness")
    async def check_liveness() -> LivenessRead:
        """Answer, which is all there is to show: a process whose database is away is not cured by a restart."""
        return LivenessRead(live=True)

    @router.get(
        "/health/ready",
        summary="Readiness",
        response_model=HealthRead,
        responses={503: {"model": HealthRead, "description": "Not ready; with `Retry-After`."}},
    )
    async def check_readiness() -> Response:
        """Say whether the database and the storage of the rate limits answer."""
        health = await check()
        body = HealthRead.model_validate(health, from_attributes=True).model_dump()
        return JSONResponse(body, 200 if health.ready else 503, None if health.ready else {"Retry-After": _RETRY_AFTER})

    return router
