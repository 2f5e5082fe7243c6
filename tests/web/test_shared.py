"""Two ``FastAuth`` in one app: what an app has once shows both of them."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from fastauth import ConfigurationError, FastAuth, Key, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.core.clock import system_clock
from fastauth.telemetry.prometheus import PrometheusTelemetry
from tests.conftest import SECRET_KEY, client_of
from tests.core.pems import ED25519, P256
from tests.web.helpers import make_user

JWKS = "/.well-known/jwks.json"
MakeAuth = Callable[..., FastAuth[Any]]


async def kids(app: FastAPI) -> list[str]:
    """Return the names of the keys that an app publishes."""
    async with client_of(app) as client:
        return [key["kid"] for key in (await client.get(JWKS)).json()["keys"]]


async def test_tokens_of_either_are_verified_by_the_published_keys(make_auth: MakeAuth) -> None:
    """Customers and staff sign with keys of their own, and a service that fetches the set knows the keys of both."""
    app = FastAPI()
    tokens: dict[str, str] = {}
    for audience, key in {"shop": Key(P256, algorithm="ES256"), "staff": Key(ED25519, algorithm="EdDSA")}.items():
        auth = make_auth(MemoryStore(), secret_key=[key], tokens=TokenSettings(audience=audience), clock=system_clock)
        await auth.initialize_db()
        auth.setup(app, prefix=f"/{audience}")
        tokens[audience] = (await make_user(auth))[1]["Authorization"].removeprefix("Bearer ")
    async with client_of(app) as client:
        published = jwt.PyJWKSet.from_dict((await client.get(JWKS)).json())

    for audience, token in tokens.items():
        key = published[jwt.get_unverified_header(token)["kid"]]
        assert jwt.decode(token, key, algorithms=[key.algorithm_name], audience=audience)["aud"] == audience


async def test_a_key_of_both_is_published_once(make_auth: MakeAuth) -> None:
    """Two that sign with the same key, or one that is set up in two places, publish it once."""
    key = Key(P256, algorithm="ES256")
    first, second = make_auth(MemoryStore(), secret_key=[key]), make_auth(MemoryStore(), secret_key=[key])
    app = FastAPI()
    first.setup(app, prefix="/first")
    second.setup(app, prefix="/second")
    first.setup(app, prefix="/third")

    assert await kids(app) == [key.kid]


async def test_secrets_are_published_with_nobody(make_auth: MakeAuth) -> None:
    """One that has secrets only adds nothing, whether it comes before or after one that has public keys."""
    key = Key(P256, algorithm="ES256")
    app = FastAPI()
    make_auth(MemoryStore()).setup(app, prefix="/first")
    make_auth(MemoryStore(), secret_key=[key]).setup(app, prefix="/second")
    make_auth(MemoryStore(), secret_key=[Key(SECRET_KEY, kid="ours")]).setup(app, prefix="/third")

    assert await kids(app) == [key.kid]


def test_two_keys_of_one_name_are_refused(make_auth: MakeAuth) -> None:
    """Whoever looks for a key by its name has to find the one that it is."""
    app = FastAPI()
    make_auth(MemoryStore(), secret_key=[Key(P256, algorithm="ES256", kid="now")]).setup(app, prefix="/first")
    second = make_auth(MemoryStore(), secret_key=[Key(ED25519, algorithm="EdDSA", kid="now")])

    with pytest.raises(ConfigurationError, match=r"another key 'now' already.*its own kid"):
        second.setup(app, prefix="/second")


async def test_one_that_is_refused_publishes_nothing(make_auth: MakeAuth) -> None:
    """Where the routes of a second one have no place, its keys are not published, either."""
    key = Key(P256, algorithm="ES256")
    app = FastAPI()
    make_auth(MemoryStore(), secret_key=[key]).setup(app)

    with pytest.raises(ConfigurationError, match="with another prefix"):
        make_auth(MemoryStore(), secret_key=[Key(ED25519, algorithm="EdDSA")]).setup(app)
    assert await kids(app) == [key.kid]


async def test_one_telemetry_shows_both(make_auth: MakeAuth) -> None:
    """Two that count in the same telemetry are read in one place, and both may ask for it."""
    telemetry = [PrometheusTelemetry(CollectorRegistry())]
    app = FastAPI()
    for prefix in ("/shop", "/staff"):
        make_auth(MemoryStore(), telemetry=telemetry).setup(app, prefix=prefix, metrics=True)

    async with client_of(app) as client:
        for prefix in ("/shop", "/staff"):
            await client.get(f"{prefix}/users/me", headers={"Authorization": "Bearer garbage"})
        answer = await client.get("/metrics")

    assert 'fastauth_token_rejections_total{reason="malformed"} 2.0' in answer.text


def test_metrics_that_nobody_would_read_are_refused(make_auth: MakeAuth) -> None:
    """A second telemetry has no place of its own, and what to do about it is said."""
    app = FastAPI()
    first, second = (make_auth(MemoryStore(), telemetry=[PrometheusTelemetry(CollectorRegistry())]) for _ in range(2))
    first.setup(app, prefix="/shop", metrics=True)

    with pytest.raises(ConfigurationError, match=r"GET /metrics already.*the same PrometheusTelemetry"):
        second.setup(app, prefix="/staff", metrics=True)


@pytest.mark.parametrize("path", ["/metrics", JWKS])
def test_no_route_of_ours_takes_these_places(make_auth: MakeAuth, path: str) -> None:
    """A route that is moved to where the keys or the metrics are is refused, instead of hiding them."""
    auth = make_auth(
        MemoryStore(),
        secret_key=[Key(P256, algorithm="ES256")],
        telemetry=[PrometheusTelemetry(CollectorRegistry())],
    )

    with pytest.raises(ConfigurationError, match=f"GET {path} would be both"):
        auth.setup(FastAPI(), paths={"read_me": path}, metrics=True)
