"""What an app tells of itself: the flows are counted by what became of them, and Prometheus can read it."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from fastauth import ConfigurationError, FastAuth, LimitSettings
from fastauth.backends.memory import MemoryStore
from fastauth.telemetry.prometheus import PrometheusTelemetry
from tests.conftest import DEFAULTS, PASSWORD, bearer, client_of, register, sign_in
from tests.telemetry.recorder import Recorder


async def app_of(*telemetry: Any, **options: Any) -> tuple[FastAuth[Any], FastAPI]:
    """Return an app with these telemetries."""
    auth = FastAuth(MemoryStore(), telemetry=telemetry, **{**DEFAULTS, **options})
    await auth.initialize_db()
    return auth, FastAPI()


async def test_flows_are_counted_by_what_became_of_them() -> None:
    """Sign-ins, refreshes, refused tokens and refused attempts are told, each with its outcome."""
    recorder = Recorder()
    auth, app = await app_of(recorder, limits=LimitSettings(sign_in="2/minute"))
    auth.setup(app)

    async with client_of(app) as client:
        await register(client)
        tokens = await sign_in(client)
        for _ in range(2):
            again = await client.post("/token/refresh", json={"refresh_token": tokens["refresh_token"]})
        second = {"refresh_token": again.json()["refresh_token"]}
        await client.post("/token/refresh", json=second)
        await client.post("/token/refresh", json={"refresh_token": tokens["refresh_token"]})
        await client.post("/token/refresh", json=second)
        await client.get("/users/me", headers=bearer("garbage"))
        for _ in range(4):
            await client.post("/token", data={"username": "ada", "password": "guess"})
    await auth.close()

    assert recorder.about("refresh") == [
        ("refresh", "rotated"),
        ("refresh", "repeated"),
        ("refresh", "rotated"),
        ("refresh", "reused"),
        ("refresh", "refused"),
    ]
    assert recorder.about("rejection") == [("rejection", "malformed")]
    assert ("limit", "sign_in") in recorder.told
    assert [name for _, name in recorder.about("event")][:3] == [
        "user.registered",
        "session.started",
        "session.reused",
    ]
    assert {("password", "hash"), ("password", "verify")} <= set(recorder.told)
    changes = [change for _, change in recorder.about("waiting")]
    assert changes.count(1) == changes.count(-1) == len(recorder.about("password"))
    assert {"find_user", "add_session", "rotate_session"} <= {each[1] for each in recorder.about("store")}


async def test_the_metrics_are_read_at_their_route() -> None:
    """``GET /metrics`` is what Prometheus reads; no document names it, and it is below no prefix."""
    auth, app = await app_of(PrometheusTelemetry(CollectorRegistry()))
    auth.setup(app, prefix="/auth", metrics=True)

    async with client_of(app) as client:
        await client.post("/auth/token", data={"username": "ada", "password": PASSWORD})
        answer = await client.get("/metrics")
    await auth.close()

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'fastauth_sign_ins_total{outcome="FASTAUTH_INVALID_CREDENTIALS"} 1.0' in answer.text
    assert "/metrics" not in app.openapi()["paths"]


async def test_the_metrics_can_be_for_admins_only() -> None:
    """The router takes what guards any router."""
    auth, app = await app_of(PrometheusTelemetry(CollectorRegistry()))
    app.include_router(auth.get_metrics_router(), dependencies=[Depends(auth.is_admin())])

    async with client_of(app) as client:
        answer = await client.get("/metrics")

    assert answer.status_code == 401


async def test_without_the_option_there_is_no_such_route() -> None:
    """Nobody exposes numbers who has not asked for it."""
    auth, app = await app_of(PrometheusTelemetry(CollectorRegistry()))
    auth.setup(app)

    async with client_of(app) as client:
        answer = await client.get("/metrics")

    assert answer.status_code == 404


@pytest.mark.parametrize("telemetry", [(), (Recorder(),)])
async def test_metrics_that_nobody_keeps_cannot_be_read(telemetry: tuple[Recorder, ...]) -> None:
    """To ask for the route without a telemetry that can be read is an error that says what to pass."""
    auth, app = await app_of(*telemetry)

    with pytest.raises(ConfigurationError, match=r"telemetry=\[PrometheusTelemetry\(\)\]"):
        auth.setup(app, metrics=True)
