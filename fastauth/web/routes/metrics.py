"""The numbers of a telemetry, for whoever fetches them: Prometheus."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fastauth.core.telemetry import Exposition


def metrics_routes(exposition: Exposition) -> APIRouter:
    """Build ``GET /metrics``, which asks nobody to sign in; the document of the API does not name it."""
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    def read_metrics(request: Request) -> Response:  # not async: of many processes, there are many files to read
        content, content_type = exposition.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": content_type})

    return router
