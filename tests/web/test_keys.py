"""``GET /.well-known/jwks.json``, and the keys as the app sees them."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from fastapi import FastAPI

from fastauth import FastAuth, Key, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.core.clock import system_clock
from fastauth.core.signing import Purpose
from tests.conftest import SECRET_KEY, bearer, client_of, register, sign_in
from tests.core.pems import ED25519, P256, PEMS, RSA, public_pem

PATH = "/.well-known/jwks.json"
MakeAuth = Callable[..., FastAuth[Any]]


def app_of(auth: FastAuth[Any], *, prefix: str = "") -> FastAPI:
    app = FastAPI(lifespan=auth.lifespan)
    auth.setup(app, prefix=prefix)
    return app


@pytest.mark.parametrize("prefix", ["", "/auth"])
async def test_r_ht_12_the_public_halves_are_published_for_a_while(make_auth: MakeAuth, prefix: str) -> None:
    """The set has the asymmetric keys only, newest first, public members only, and may be kept for five minutes."""
    keys = [Key(P256, algorithm="ES256"), Key(SECRET_KEY), Key(public_pem(RSA), algorithm="RS256", kid="next")]
    async with client_of(app_of(make_auth(MemoryStore(), secret_key=keys), prefix=prefix)) as client:
        answer = await client.get(PATH)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert [(key["alg"], key["kid"]) for key in answer.json()["keys"]] == [("ES256", keys[0].kid), ("RS256", "next")]
    assert not {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}.intersection(*answer.json()["keys"])
    assert answer.json() == {"keys": [keys[0].public_jwk, keys[2].public_jwk]}


async def test_without_an_asymmetric_key_there_is_no_set(make_auth: MakeAuth) -> None:
    """With secrets only there is nothing to publish, and no such route."""
    async with client_of(app_of(make_auth(MemoryStore()))) as client:
        assert (await client.get(PATH)).status_code == 404
        assert PATH not in (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.parametrize("algorithm", PEMS)
async def test_r_jw_15_another_library_verifies_our_tokens_by_the_published_keys(
    make_auth: MakeAuth, algorithm: str
) -> None:
    """An access token of any asymmetric algorithm is verified by another library with nothing but the published set."""
    auth = make_auth(
        MemoryStore(),
        secret_key=PEMS[algorithm],
        algorithm=algorithm,
        clock=system_clock,
        tokens=TokenSettings(issuer="https://us.example", audience="api"),
    )
    async with client_of(app_of(auth)) as client:
        await auth.initialize_db()
        await register(client)
        token = (await sign_in(client))["access_token"]
        [key] = jwt.PyJWKSet.from_dict((await client.get(PATH)).json()).keys

        claims = jwt.decode(token, key, algorithms=[algorithm], audience="api", issuer="https://us.example")
        assert (await client.get("/users/me", headers=bearer(token))).json()["id"] == int(claims["sub"])


async def test_the_app_sees_its_keys_and_where_they_came_from(
    make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ring tells kids, algorithms, uses and its origin, and shows no key."""
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", ED25519)
    auth = make_auth(MemoryStore(), secret_key=None, algorithm="EdDSA")

    assert auth.keys.origin == "FASTAUTH_SECRET_KEY"
    assert [(key.algorithm, key.use, key.weakness) for key in auth.keys] == [("EdDSA", "sign", None)]
    assert ED25519.splitlines()[1] not in repr(auth.keys)


async def test_r_jw_5_an_app_reads_how_many_tokens_were_refused_and_a_client_never_does(make_auth: MakeAuth) -> None:
    """Refusals are counted by reason, and every client gets the same answer whatever the reason."""
    auth = make_auth(MemoryStore())
    other = make_auth(MemoryStore(), secret_key=[SECRET_KEY[::-1]])
    async with client_of(app_of(auth)) as client:
        await auth.initialize_db()
        await register(client)
        token = (await sign_in(client))["access_token"]
        foreign = await other.sessions._signer.sign(Purpose.ACCESS, {})
        tokens = ["x", token[:-3] + "AAA", foreign]
        answers = [await client.get("/users/me", headers=bearer(each)) for each in tokens]

    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert sum(auth.token_rejections.values()) == 3
    assert auth.token_rejections["malformed"] == auth.token_rejections["unknown key"] == 1
    assert not any(reason in answers[0].text for reason in auth.token_rejections)
