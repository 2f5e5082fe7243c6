"""A service that only verifies, against issuers that are served for real on a loopback port."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.responses import Response

from fastauth import (
    Claims,
    ConfigurationError,
    FastAuth,
    Key,
    KeysUnavailableException,
    TokenException,
    TokenSettings,
    TokenVerifier,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.clock import system_clock
from tests.conftest import bearer, client_of, register, sign_in
from tests.core.forge import claims_of
from tests.core.pems import PEMS
from tests.live import serving

ISSUER = "https://issuer.example/realms/main"
AUDIENCE = "api"


class Issuer:
    """Publishes keys and signs tokens as another issuer does, and counts how often it is asked."""

    def __init__(self, *algorithms: str) -> None:
        self.keys = {name: Key(PEMS[name], algorithm=name, kid=f"kid-{name}") for name in algorithms}
        self.asked = 0
        self.answer: Callable[[], Response] = self.jwks
        self.url = ""
        self.was_asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    def jwks(self) -> Response:
        return Response(json.dumps({"keys": [key.public_jwk for key in self.keys.values()]}))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked += 1
            self.was_asked.set()
            await self.open.wait()
            await self.answer()(scope, receive, send)

    def token(self, algorithm: str = "RS256", *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        now = int(system_clock().timestamp())
        payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + 300, **claims}
        headers = {"kid": f"kid-{algorithm}", **(header or {})}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, PEMS[algorithm], algorithm=algorithm, headers=headers)


@asynccontextmanager
async def issuing(*algorithms: str) -> AsyncGenerator[Issuer, None]:
    issuer = Issuer(*algorithms)
    async with serving(issuer, lifespan="off") as url:
        issuer.url = f"{url}/jwks"
        yield issuer


@pytest.fixture
async def issuer() -> AsyncGenerator[Issuer, None]:
    """An issuer with one RSA key."""
    async with issuing("RS256") as issuer:
        yield issuer


def verifier_of(issuer: Issuer, **options: Any) -> TokenVerifier:
    return TokenVerifier(**{"jwks_url": issuer.url, "issuer": ISSUER, "audience": AUDIENCE, **options})


async def refusal(verifier: TokenVerifier, token: object) -> str:
    with pytest.raises(TokenException) as caught:
        await verifier.read(token)
    return caught.value.reason


# What the tokens of the best known issuers look like beyond the common claims.
FOREIGN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Better Auth": ("EdDSA", {"typ": None}, {"email": "ada@example.com", "name": "Ada"}),
    "Keycloak": ("RS256", {"typ": "JWT"}, {
        "sid": "9b3f0c52-5c1b-4a53-8d5e-2f3f0f9d2c11", "jti": "onrtro:7e1f", "typ": "Bearer", "azp": "web",
        "auth_time": 1, "realm_access": {"roles": ["user"]}, "aud": ["account", AUDIENCE],
    }),
    "Auth0": ("RS256", {"typ": "JWT"}, {"azp": "client", "scope": "openid profile", "aud": [AUDIENCE, "userinfo"]}),
    "RFC 9068": ("ES256", {"typ": "at+jwt"}, {"jti": "1", "client_id": "web"}),
    "with a thumbprint in its header": ("PS256", {"typ": "application/at+jwt", "x5t": "abc"}, {"jti": "1"}),
}  # fmt: skip


@pytest.mark.parametrize(("algorithm", "header", "claims"), FOREIGN.values(), ids=FOREIGN)
async def test_tokens_of_the_known_issuers_are_read(
    algorithm: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Whatever claims an issuer adds or leaves out, the typed ones are there and the others are extra."""
    async with issuing(algorithm) as issuer:
        token = issuer.token(algorithm, header=header, **claims)

        read = await verifier_of(issuer).read(token)

    assert (read.user_id, read.issuer) == ("user-1", ISSUER)
    assert (read.session_id, read.token_id) == (claims.get("sid"), claims.get("jti"))
    assert (read.expires_at - read.issued_at).total_seconds() == 300
    assert read.extra == {name: value for name, value in claims.items() if name not in {"sid", "jti", "aud"}}


@pytest.mark.parametrize("algorithm", PEMS)
async def test_our_own_tokens_are_read_by_a_service_that_only_verifies(algorithm: str) -> None:
    """A token of an app of ours opens a route of a service that knows nothing but where the app publishes its keys."""
    auth: FastAuth[Any] = FastAuth(
        MemoryStore(),
        secret_key=PEMS[algorithm],
        algorithm=algorithm,
        tokens=TokenSettings(issuer=ISSUER, audience=AUDIENCE),
    )
    app = FastAPI(lifespan=auth.lifespan)
    auth.setup(app)
    async with serving(app) as url, client_of(app) as client:
        await register(client)
        tokens = await sign_in(client)
        verifier = TokenVerifier(jwks_url=f"{url}/.well-known/jwks.json", issuer=ISSUER, audience=AUDIENCE)
        service = FastAPI()

        @service.get("/hello")
        async def hello(claims: Claims = Depends(verifier.current_claims)) -> str | None:
            return claims.session_id

        async with client_of(service) as reader:
            answers = [
                await reader.get("/hello", headers=headers)
                for headers in (bearer(tokens), bearer(tokens["refresh_token"]), {"Authorization": "Basic x"}, {})
            ]

    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert answers[0].json() == claims_of(tokens["access_token"])["sid"]
    assert [answer.headers.get("www-authenticate") for answer in answers[1:]] == [
        'Bearer error="invalid_token"',
        'Bearer error="invalid_token"',
        "Bearer",
    ]


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another issuer": ({}, {"iss": ISSUER + "/"}, "issuer"),
    "another audience": ({}, {"aud": "web"}, "audience"),
    "no audience": ({}, {"aud": None}, "audience"),
    "expired": ({}, {"exp": 1_000_000_000, "iat": 999_999_000}, "expired"),
    "no expiry": ({}, {"exp": None}, "times"),
    "no subject": ({}, {"sub": None}, "sub"),
    "an empty subject": ({}, {"sub": ""}, "sub"),
    "our own refresh token's type": ({"typ": "refresh+jwt"}, {}, "purpose"),
    "a logout token": ({"typ": "logout+jwt"}, {}, "purpose"),
    "crit": ({"crit": ["exp"]}, {}, "header"),
    "jku": ({"jku": "https://evil.example"}, {}, "header"),
    "jwk": ({"jwk": {}}, {}, "header"),
    "x5u": ({"x5u": "https://evil.example"}, {}, "header"),
}


@pytest.mark.parametrize(("header", "claims", "reason"), BAD.values(), ids=BAD)
async def test_r_jw_8_a_token_that_is_not_for_us_is_refused(
    issuer: Issuer, header: dict[str, Any], claims: dict[str, Any], reason: str
) -> None:
    """A well signed token of the issuer is refused when anything else about it is wrong, and it is counted."""
    verifier = verifier_of(issuer)

    assert await refusal(verifier, issuer.token(header=header, **claims)) == reason
    assert dict(verifier.rejections) == {reason: 1}


async def test_r_jw_3_garbage_fetches_nothing(issuer: Issuer) -> None:
    """What is no token, has no name of a key, or is of an algorithm with a secret, is refused before any I/O."""
    verifier = verifier_of(issuer)
    forged = jwt.encode({"sub": "1"}, "x" * 32, algorithm="HS256", headers={"kid": "kid-RS256"})
    unsigned = jwt.encode({"sub": "1"}, None, algorithm="none", headers={"kid": "kid-RS256"})
    nameless = jwt.encode({"sub": "1"}, PEMS["RS256"], algorithm="RS256")

    reasons = [
        await refusal(verifier, token)
        for token in ("x", None, forged, unsigned + "AA", nameless, "_w.AA.AA", "x" * 9000)
    ]

    assert reasons == ["malformed", "malformed", "algorithm", "algorithm", "header", "unreadable", "malformed"]
    assert issuer.asked == 0


async def test_the_keys_are_fetched_once_and_verified_tokens_are_remembered(issuer: Issuer) -> None:
    """A hundred requests at once, and more after them, make for one fetch."""
    verifier = verifier_of(issuer)
    tokens = [issuer.token(sub=f"{number}") for number in range(10)]

    read = await asyncio.gather(*(verifier.read(token) for token in tokens * 10))
    again = await verifier.read(tokens[0])

    assert sorted({claims.user_id for claims in read}) == sorted(f"{number}" for number in range(10))
    assert (again, issuer.asked) == (read[0], 1)


class Seconds:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def with_time(verifier: TokenVerifier) -> Seconds:
    verifier._keys._monotonic = seconds = Seconds()
    return seconds


async def test_an_unknown_name_makes_for_one_fetch_per_interval(issuer: Issuer) -> None:
    """However many names are tried, the issuer is asked once per interval, and known ones are not affected."""
    verifier = verifier_of(issuer)
    seconds = with_time(verifier)
    good = issuer.token()
    await verifier.read(good)
    for expected in (1, 2, 3):
        for number in range(20):
            stranger = issuer.token(header={"kid": f"kid-{number}"})
            assert await refusal(verifier, stranger) == "unknown key"
            assert (await verifier.read(good)).user_id == "user-1"
        assert issuer.asked == expected
        seconds.now += 15


async def test_a_new_key_is_found_and_a_dropped_one_is_forgotten(issuer: Issuer) -> None:
    """After a rotation a token of the new key is read at once, and of the dropped key no longer, remembered or not."""
    verifier = verifier_of(issuer)
    seconds = with_time(verifier)
    old = issuer.token()
    await verifier.read(old)
    issuer.keys = {"ES256": Key(PEMS["ES256"], algorithm="ES256", kid="kid-ES256")}
    seconds.now += 20

    new = await verifier.read(issuer.token("ES256"))

    assert new.user_id == "user-1"
    assert await refusal(verifier, old) == "unknown key"
    assert issuer.asked == 2


async def test_a_revoked_key_is_dropped_when_the_set_gets_old(issuer: Issuer) -> None:
    """A key that has left the set is used for five minutes at most, by tokens that it has verified before too."""
    verifier = verifier_of(issuer)
    seconds = with_time(verifier)
    token = issuer.token()
    await verifier.read(token)
    issuer.keys = {}
    seconds.now += 299
    before = await verifier.read(token)
    seconds.now += 1

    assert before.user_id == "user-1"
    assert await refusal(verifier, token) == "unknown key"


async def test_the_keys_are_kept_while_the_issuer_is_down_and_not_for_ever(issuer: Issuer) -> None:
    """While the issuer cannot be reached its known keys are used for an hour, unknown ones are an outage, and so on."""
    verifier = verifier_of(issuer)
    seconds = with_time(verifier)
    token = issuer.token()
    await verifier.read(token)
    issuer.answer = lambda: Response(status_code=500)
    seconds.now += 3599
    late = await verifier.read(issuer.token(sub="user-2"))
    with pytest.raises(KeysUnavailableException):
        await verifier.read(issuer.token(header={"kid": "new"}))
    asked = issuer.asked
    seconds.now += 1
    with pytest.raises(KeysUnavailableException) as caught:
        await verifier.read(token)
    seconds.now += 20
    issuer.answer = issuer.jwks
    recovered = await verifier.read(token)

    assert (late.user_id, recovered.user_id) == ("user-2", "user-1")
    assert (asked, caught.value.retry_after) == (2, 15)
    assert dict(verifier.rejections) == {}


def redirect(issuer: Issuer) -> Response:
    return Response(status_code=302, headers={"location": issuer.url})


UNUSABLE: dict[str, Callable[[Issuer], Response]] = {
    "a redirect": redirect,
    "an error": lambda issuer: Response(status_code=503),
    "another success": lambda issuer: Response(issuer.jwks().body, status_code=203),
    "compressed": lambda issuer: Response(issuer.jwks().body, headers={"content-encoding": "gzip"}),
    "too large": lambda issuer: Response(bytes(issuer.jwks().body) + b" " * 256 * 1024),
    "no JSON": lambda issuer: Response("<html>"),
    "no set": lambda issuer: Response('{"error":"none"}'),
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
async def test_what_is_no_plain_set_within_bounds_is_an_outage(
    issuer: Issuer, answer: Callable[[Issuer], Response], caplog: pytest.LogCaptureFixture
) -> None:
    """A redirect, an error, a compressed, huge or broken answer gives no keys, and 503 to the client."""
    issuer.answer = lambda: answer(issuer)
    verifier = verifier_of(issuer)
    app = FastAPI()

    @app.get("/")
    async def read(claims: Claims = Depends(verifier.current_claims)) -> str:
        return claims.user_id

    async with client_of(app) as client:
        answers = [await client.get("/", headers=bearer(issuer.token())) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [503] * 5
    assert answers[0].headers["retry-after"] == "15"
    assert issuer.asked == 1
    assert "cannot be had" in caplog.text


async def test_a_slow_issuer_is_given_up() -> None:
    """An issuer that takes the connection and says nothing does not hold a request for longer than the timeout."""
    held = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    verifier = TokenVerifier(
        jwks_url=f"http://127.0.0.1:{port}/", issuer=ISSUER, audience=AUDIENCE, timeout=timedelta(seconds=0.05)
    )

    with pytest.raises(KeysUnavailableException):
        await verifier.read(Issuer("RS256").token())
    held.set()
    server.close()


async def test_who_waits_for_a_fetch_gets_its_keys_though_another_gave_up(issuer: Issuer) -> None:
    """A request that ends while it fetches does not take the keys from those who wait for them."""
    verifier = verifier_of(issuer)
    issuer.open.clear()
    first = asyncio.ensure_future(verifier.read(issuer.token()))
    second = asyncio.ensure_future(verifier.read(issuer.token(sub="user-2")))
    await issuer.was_asked.wait()
    third = asyncio.ensure_future(verifier.read(issuer.token(sub="user-3")))
    await asyncio.sleep(0)
    first.cancel()
    issuer.open.set()

    assert [(await each).user_id for each in (second, third)] == ["user-2", "user-3"]
    assert issuer.asked == 2


async def test_a_websocket_is_opened_by_a_foreign_token(issuer: Issuer) -> None:
    """The same dependency guards a WebSocket."""
    verifier = verifier_of(issuer)
    claims = await verifier.current_claims(
        WebSocket(
            {"type": "websocket", "headers": [(b"authorization", f"Bearer {issuer.token()}".encode())]},
            receive=None,  # type: ignore[arg-type]
            send=None,  # type: ignore[arg-type]
        )
    )

    assert claims.user_id == "user-1"


def test_the_document_says_how_to_authorize() -> None:
    """A route behind the verifier has its scheme in the OpenAPI document."""
    verifier = TokenVerifier(jwks_url="https://issuer.example/jwks", issuer=ISSUER, audience=AUDIENCE)
    app = FastAPI()
    app.get("/")(lambda claims=Depends(verifier.current_claims): None)

    document = app.openapi()

    assert document["paths"]["/"]["get"]["security"] == [{"FastAuthBearer": []}]
    assert document["components"]["securitySchemes"]["FastAuthBearer"]["bearerFormat"] == "JWT"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jwks_url": "http://issuer.example/jwks"}, "must be https"),
        ({"jwks_url": "http://127.0.0.1.evil.example/jwks"}, "must be https"),
        ({"jwks_url": "file:///etc/passwd"}, "has a host"),
        ({"jwks_url": "ftp://issuer.example/jwks"}, "must be https"),
        ({"jwks_url": "https://user:pass@issuer.example/jwks"}, "neither a password"),
        ({"jwks_url": "https://issuer.example/jwks#x"}, "nor a fragment"),
        ({"jwks_url": "https://[::1"}, "is no URL"),
        ({"jwks_url": "https://issuer.example:99999/"}, "is no URL"),
        ({"jwks_url": ""}, "has a host"),
        ({"issuer": ""}, "needs issuer and audience"),
        ({"audience": ""}, "needs issuer and audience"),
        ({"audience": []}, "needs issuer and audience"),
        ({"types": "at+jwt"}, "is a list"),
        ({"leeway": timedelta(hours=1)}, "between 0 and 5 minutes"),
        ({"timeout": timedelta(0)}, "are positive"),
        ({"refetch_interval": timedelta(0)}, "are positive"),
        ({"max_age": timedelta(hours=2)}, "at most keep_for"),
    ],
)
def test_r_jw_3_a_verifier_that_would_not_be_safe_is_refused(options: dict[str, Any], message: str) -> None:
    """A key set without TLS, a missing audience and senseless times are refused when the verifier is made."""
    sound = {"jwks_url": "https://issuer.example/jwks", "issuer": ISSUER, "audience": AUDIENCE}

    with pytest.raises(ConfigurationError, match=message):
        TokenVerifier(**{**sound, **options})


def test_without_the_http_client_the_verifier_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the client is missing the error is one sentence with the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "httpx2", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'fastauth\[jwks\]'"):
        TokenVerifier(jwks_url="https://issuer.example/jwks", issuer=ISSUER, audience=AUDIENCE)


async def test_tokens_without_a_type_can_be_refused(issuer: Issuer) -> None:
    """Where only the type of RFC 9068 is accepted, a token of another type, or of none, is not."""
    verifier = verifier_of(issuer, types=["at+jwt"])

    assert (await verifier.read(issuer.token(header={"typ": "at+jwt"}))).user_id == "user-1"
    assert await refusal(verifier, issuer.token(header={"typ": "JWT"})) == "purpose"
    assert await refusal(verifier, issuer.token(header={"typ": None})) == "header"
