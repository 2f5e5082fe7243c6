"""The requirements on tokens, row by row, where a row has no test of its own beside the code that keeps it."""

import json
import socket
import string
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import ConfigurationError, FastAuth, Key
from fastauth.backends.memory import MemoryStore
from fastauth.core.exceptions import TokenException
from fastauth.core.keys import KeyRing
from fastauth.core.signing import Purpose
from fastauth.testing import ManualClock
from tests.conftest import DEFAULTS, bearer, client_of, register, sign_in
from tests.core.forge import (
    CLAIMS,
    HEADER,
    NOW,
    REFRESH_CLAIMS,
    SECONDS,
    SECRET,
    b64,
    claims_of,
    forge,
    make_signer,
    without,
)
from tests.outbox import mailing


@pytest.fixture
async def auth() -> FastAuth[Any]:
    """A ``FastAuth`` in memory, on a clock that stands."""
    auth: FastAuth[Any] = FastAuth(MemoryStore(), **{**DEFAULTS, "clock": ManualClock(NOW)})
    await auth.initialize_db()
    return auth


@pytest.fixture
async def client(auth: FastAuth[Any]) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app with every route."""
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        yield client


def refused(header: Any = HEADER, claims: Any = CLAIMS, purpose: Purpose = Purpose.ACCESS) -> bool:
    try:
        make_signer().read(forge(header, claims), purpose)
    except TokenException:
        return True
    return False


def test_the_token_that_the_others_are_made_from_is_good() -> None:
    """What the tests below break is whole to begin with."""
    assert not refused()
    assert not refused({**HEADER, "typ": Purpose.REFRESH.value}, REFRESH_CLAIMS, Purpose.REFRESH)


@pytest.mark.parametrize(
    "kid", ["", "two", "' OR 1=1 --", "../../../dev/null", "one\0", "ONE", "k" * 2000, "\ud800", "*"]
)
def test_r_jw_4_a_kid_is_the_exact_name_of_a_key_and_nothing_else(kid: str) -> None:
    """SQL, a path, NUL and ten thousand characters are names that no key has, and a ring refuses a name twice."""
    assert refused({**HEADER, "kid": kid})
    with pytest.raises(ConfigurationError, match="the same kid"):
        KeyRing([Key(SECRET, kid="one"), Key(SECRET[::-1], kid="one")])


@pytest.mark.parametrize("typ", ["JWT", "", "refresh+jwt", "id+jwt", "logout+jwt", "reset-password+jwt", "at+jwt2"])
def test_r_jw_6_only_the_type_of_an_access_token_opens_anything(typ: str) -> None:
    """Tokens of other types are refused as access tokens, though well signed and with all the claims."""
    assert refused({**HEADER, "typ": typ}, REFRESH_CLAIMS)
    assert refused(without(HEADER, "typ"), REFRESH_CLAIMS)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_r_jw_3_a_key_that_comes_with_the_token_is_not_looked_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token signed by the very key that it brings along is refused, and nothing is asked for over the network."""
    own = {"kty": "oct", "k": b64(b"k" * 32)}
    values = {"jwk": own, "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "x5c": ["AAAA"]}

    def connected(*_: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", connected)
    monkeypatch.setattr(socket, "getaddrinfo", connected)
    for header in ({**HEADER, name: values[name]}, {**without(HEADER, "kid"), name: values[name]}):
        with pytest.raises(TokenException) as caught:
            make_signer().read(forge(header, secret="k" * 32), Purpose.ACCESS)

        assert caught.value.reason == "header"


KINDS: dict[str, tuple[str, str]] = {
    "access_token": ("GET /users/me", "Authorization"),
    "refresh_token": ("POST /token/refresh", "refresh_token"),
    "verify_email": ("POST /email/verify", "token"),
    "reset_password": ("POST /password/reset", "token"),
    "confirm_email_change": ("POST /email/change/confirm", "token"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_r_jw_7_a_token_works_at_the_endpoints_of_its_kind_only(
    make_auth: Callable[..., FastAuth[Any]], kind: str
) -> None:
    """Of all kinds at all endpoints only the diagonal passes, and a refusal uses nothing up."""
    async with mailing(MemoryStore(), make_auth, "ada") as flow:
        token = (await flow.tokens())[kind] if kind.endswith("_token") else await flow.mailed(kind)

        async def at(place: str) -> int:
            request, name = KINDS[place]
            if name == "Authorization":
                return (await flow.call(request, {"access_token": token})).status_code
            more = {"new_password": "another horse battery"} if place == "reset_password" else {}
            return (await flow.call(request, None, **{name: token}, **more)).status_code

        elsewhere = {await at(place) for place in KINDS if place != kind}
        as_bearer = await flow.call("POST /logout", {"access_token": token}) if kind != "access_token" else None

        assert elsewhere == {401}
        assert as_bearer is None or as_bearer.status_code == 401
        assert await at(kind) in {200, 204}


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", [f'"{SECONDS + 60}"', "true", "null", "NaN", "Infinity", f"[{SECONDS}]", f"{SECONDS}.5"]
)
def test_r_jw_9_times_are_whole_numbers_and_are_kept(claim: str, value: str) -> None:
    """A time that is a text, a boolean, null, no number or a list is refused, and one that is over is over."""
    rest = json.dumps(without(CLAIMS, claim))[:-1]

    assert refused(claims=f'{rest},"{claim}":{value}}}')
    assert refused(claims={**CLAIMS, "iat": SECONDS - 100, "exp": SECONDS - 11})
    assert refused(claims={**CLAIMS, "nbf": SECONDS + 11})


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_r_jw_10_every_required_claim_is_asked_for(claim: str) -> None:
    """A token without any one of the required claims is refused; ``client_id`` is none, as we do not claim RFC 9068."""
    assert refused(claims=without(CLAIMS, claim))


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "exp", None, ["alg"], {}])
def test_r_jw_11_a_critical_extension_is_one_we_do_not_understand(crit: Any) -> None:
    """Any ``crit`` is refused, the empty one too."""
    assert refused({**HEADER, "crit": crit})


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize(
    "spelling", ["{}=", "{}==", "={}", "{}\n", " {}", "{}.", "{}+", "{}/", "{}%3D", "{}\u00e9", "+{}"]
)
def test_r_jw_12_base64url_has_no_padding_and_no_other_characters(part: int, spelling: str) -> None:
    """Padding, white space and characters of other alphabets are refused in each segment, and so is a second spelling.

    A second spelling of the same bytes has other bits where the last character stands for none.
    """
    segments = forge().split(".")
    segments[part] = spelling.format(segments[part])
    two_bytes = forge(claims={**CLAIMS, "x": "y"}).split(".")
    with_unused_bits = [
        ".".join([*two_bytes[:2], two_bytes[2][:-1] + other])
        for other in string.ascii_letters + string.digits + "-_"
        if other != two_bytes[2][-1]
    ]

    for token in (".".join(segments), *with_unused_bits):
        with pytest.raises(TokenException):
            make_signer().read(token, Purpose.ACCESS)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ('{"alg":"HS256","alg":"HS256","kid":"one","typ":"at+jwt"}', CLAIMS),
        (HEADER, json.dumps(CLAIMS)[:-1] + ',"sub":"1"}'),
        (HEADER, json.dumps(CLAIMS)[:-1] + ',"\\u0073ub":"1"}'),
        (HEADER, json.dumps(CLAIMS)[:-1] + ',"x":{"a":1,"a":1}}'),
    ],
)
def test_r_jw_13_a_repeated_name_is_refused(header: Any, claims: Any) -> None:
    """A name twice is refused, in the header or the claims, however deep and however spelled, even with one value."""
    assert refused(header, claims)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"])
def test_r_jw_14_json_is_utf_8(encoding: str) -> None:
    """Another encoding, or a byte order mark, is refused in the header and in the claims."""
    assert refused(json.dumps(dict(HEADER)).encode(encoding))
    assert refused(claims=json.dumps(dict(CLAIMS)).encode(encoding))


async def test_r_jw_16_a_name_that_is_registered_again_is_somebody_else(
    auth: FastAuth[Any], client: AsyncClient
) -> None:
    """After a user is deleted and the name registered anew, the old tokens open nothing."""
    first = await register(client)
    old = await sign_in(client)
    await auth.accounts.delete(str(first["id"]))
    second = await register(client)
    new = await sign_in(client)

    answers = [await client.get("/users/me", headers=bearer(tokens)) for tokens in (old, new)]

    assert [answer.status_code for answer in answers] == [401, 200]
    assert first["id"] != second["id"] == answers[1].json()["id"]
    assert (await client.post("/token/refresh", json={"refresh_token": old["refresh_token"]})).status_code == 401


async def test_r_jw_17_a_token_says_nothing_about_the_person(client: AsyncClient) -> None:
    """The claims of both tokens are ids and times; no username and no address is in them."""
    await register(client, "ada.lovelace")
    tokens = await sign_in(client, "ada.lovelace")
    for kind in ("access_token", "refresh_token"):
        claims = claims_of(tokens[kind])

        assert claims.keys() <= {"sub", "sid", "jti", "iat", "exp", "gen", "auth_time"}
        assert "ada" not in json.dumps(claims)


async def test_r_jw_18_roles_are_read_from_the_store_and_not_from_a_token(auth: FastAuth[Any]) -> None:
    """A role that was taken is gone at the next request, with the token that was made while it was held."""
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        user = await register(client)
        await auth.roles.grant(str(user["id"]), "admin")
        tokens = await sign_in(client)
        role = {"name": "editor", "description": "Edits."}
        before = await client.post("/roles", json=role, headers=bearer(tokens))
        await auth.roles.revoke(str(user["id"]), "admin")
        after = await client.post("/roles", json={**role, "name": "other"}, headers=bearer(tokens))

    assert (before.status_code, after.status_code) == (201, 403)
