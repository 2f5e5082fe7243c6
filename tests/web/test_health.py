"""Liveness and readiness over HTTP."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from fastauth import FastAuth, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from tests.conftest import client_of
from tests.web.helpers import FailingStore

Make = Callable[..., FastAuth[Any]]


async def test_a_process_is_ready_as_long_as_its_store_answers(make_auth: Make) -> None:
    """Readiness is 200, then 503 with ``Retry-After`` in an outage; liveness is 200 all along; nobody signs in."""
    store = FailingStore(MemoryStore())
    auth, app = make_auth(store), FastAPI()
    auth.setup(app, health=True)

    async with client_of(app) as client:
        good = await client.get("/health/ready")
        store.error = StoreUnavailableException()
        bad, alive = await client.get("/health/ready"), await client.get("/health/live")

    check = {"name": "store", "ok": True, "detail": "ok"}
    assert (good.status_code, good.json()) == (200, {"ready": True, "checks": [check]})
    check = {"name": "store", "ok": False, "detail": "cannot be reached: StoreUnavailableException"}
    assert (bad.status_code, bad.json()) == (503, {"ready": False, "checks": [check]})
    assert "retry-after" not in good.headers
    assert (bad.headers["retry-after"], bad.headers["cache-control"]) == ("2", "no-store")
    assert (alive.status_code, alive.json()) == (200, {"live": True})


def paths_of(auth: FastAuth[Any], **selection: Any) -> set[str]:
    app = FastAPI()
    auth.setup(app, **selection)
    return {path for path in app.openapi()["paths"] if "ready" in path or "live" in path}


def test_the_routes_of_health_are_there_for_who_asks(make_auth: Make) -> None:
    """They are there with ``health=True``, by name, or by their router, and not otherwise."""
    auth = make_auth(MemoryStore())
    by_router = FastAPI()
    by_router.include_router(auth.get_health_router())

    assert paths_of(auth) == paths_of(auth, exclude=["register"]) == set()
    assert paths_of(auth, health=True) == {"/health/live", "/health/ready"}
    assert paths_of(auth, health=True, prefix="/auth") == {"/auth/health/live", "/auth/health/ready"}
    assert paths_of(auth, health=True, exclude=["check_liveness"]) == {"/health/ready"}
    assert paths_of(auth, paths={"check_readiness": "/ready"}) == {"/ready"}
    assert paths_of(auth, include=["sign_in", "check_liveness"]) == {"/health/live"}
    assert by_router.openapi()["paths"].keys() == {"/health/live", "/health/ready"}
