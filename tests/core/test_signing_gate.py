"""The gate before PyJWT, rule by rule: every hostile token is a ``TokenException`` and never anything else."""

import json
import traceback
from typing import Any

import pytest

from fastauth.core.exceptions import TokenException
from fastauth.core.signing import Purpose
from tests.core.forge import CLAIMS, HEADER, REFRESH_CLAIMS, SECONDS, b64, forge, make_signer, segment, unb64, without

TOKEN = forge()
HEAD, BODY, SIGNATURE = TOKEN.split(".")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Text(str):
    """A text that is no plain text."""


def respelled(segment: str) -> str:
    """Return the same bytes in base64url with unused bits that are not zero."""
    return segment[:-1] + ALPHABET[ALPHABET.index(segment[-1]) + 1]


def flipped(segment: str) -> str:
    """Return base64url of which the first bit is another."""
    return ALPHABET[ALPHABET.index(segment[0]) ^ 32] + segment[1:]


def json_with(claim: str, value: str) -> str:
    """Return the claims as JSON, with one claim written literally."""
    rest = ",".join(f'"{name}":{json_value(each)}' for name, each in CLAIMS.items() if name != claim)
    return f'{{{rest},"{claim}":{value}}}'


def json_value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


MALFORMED: dict[str, object] = {
    "nothing": "",
    "no text": None,
    "bytes": TOKEN.encode(),
    "a number": 7,
    "a list": [TOKEN],
    "a kind of text": Text(TOKEN),
    "surrogates": "\ud800.a.b",
    "surrogates within": f"{HEAD}.{BODY}\udfff.{SIGNATURE}",
    "padding at the signature": f"{TOKEN}=",
    "padding at the payload": f"{HEAD}.{BODY}==.{SIGNATURE}",
    "a leading space": f" {TOKEN}",
    "a trailing space": f"{TOKEN} ",
    "a trailing line feed": f"{TOKEN}\n",
    "a tab within": f"{HEAD}.\t{BODY}.{SIGNATURE}",
    "NUL": f"{TOKEN}\0",
    "plain base64": TOKEN.replace(SIGNATURE, "+/" + SIGNATURE[2:]),
    "letters outside ASCII": f"{HEAD}.{BODY}.\uff21{SIGNATURE[1:]}",
    "digits outside ASCII": f"{HEAD}.{BODY}.\u0661{SIGNATURE[1:]}",
    "no dot": TOKEN.replace(".", ""),
    "two segments": f"{HEAD}.{BODY}",
    "four segments": f"{TOKEN}.{SIGNATURE}",
    "five segments of a JWE": f"{HEAD}.{BODY}.{SIGNATURE}.{BODY}.{SIGNATURE}",
    "an empty signature": f"{HEAD}.{BODY}.",
    "an empty payload": f"{HEAD}..{SIGNATURE}",
    "an empty header": f".{BODY}.{SIGNATURE}",
    "only dots": "..",
    "a scheme before it": f"Bearer {TOKEN}",
    "5 kB": forge(claims={**CLAIMS, "extra": "x" * 4000}),
    "10 MB": "a" * 10_000_000,
}

BAD_HEADERS: dict[str, tuple[Any, str]] = {
    **{
        f"{name} in the header": ({**HEADER, name: value}, "header")
        for name, value in {
            "crit": ["exp"],
            "jku": "https://evil.example/jwks.json",
            "jwk": {"kty": "oct", "k": "AAAA"},
            "x5u": "https://evil.example/cert.pem",
            "x5c": ["MIIB"],
            "x5t": "abc",
            "b64": False,
            "cty": "JWT",
            "zip": "DEF",
            "epk": {},
            "": "",
        }.items()
    },
    "crit is a text": ({**HEADER, "crit": "exp"}, "header"),
    "no alg": (without(HEADER, "alg"), "header"),
    "no kid": (without(HEADER, "kid"), "header"),
    "no typ": (without(HEADER, "typ"), "header"),
    "names in another case": ({"ALG": "HS256", "kid": "one", "typ": "at+jwt"}, "header"),
    "alg is null": ({**HEADER, "alg": None}, "header"),
    "alg is a list": ({**HEADER, "alg": ["HS256"]}, "header"),
    "kid is a number": ({**HEADER, "kid": 1}, "header"),
    "typ is an object": ({**HEADER, "typ": {}}, "header"),
    **{f"alg {alg}": ({**HEADER, "alg": alg}, "algorithm") for alg in ("none", "None", "nOnE", "", "hs256", "HS256 ")},
    **{f"alg {alg}": ({**HEADER, "alg": alg}, "algorithm") for alg in ("HS384", "HS512", "RS256", "ES256", "EdDSA")},
    **{
        f"kid {kid!a}": ({**HEADER, "kid": kid}, "unknown key")
        for kid in ("", "two", "ONE", "one ", "' OR 1=1 --", "../../dev/null", "one\0", "\ud800", "k" * 2500)
    },
    **{
        f"typ {typ!r}": ({**HEADER, "typ": typ}, "purpose")
        for typ in (
            "", "JWT", "jwt", "refresh+jwt", "application/refresh+jwt", " at+jwt", "at+jwt ",
            "application/application/at+jwt", "text/at+jwt",
        )
    },
    "a repeated name": ('{"alg":"none","alg":"HS256","kid":"one","typ":"at+jwt"}', "repeated name"),
    "a list": ("[]", "not an object"),
    "a text": ('"HS256"', "not an object"),
    "null": ("null", "not an object"),
    "NaN": ('{"alg":NaN}', "NaN is not JSON"),
    "no JSON": ("alg=HS256", "unreadable"),
    "two objects": ('{"alg":"HS256","kid":"one","typ":"at+jwt"}{}', "unreadable"),
    "a raw control character": ('{"alg":"HS256","kid":"one\n","typ":"at+jwt"}', "unreadable"),
    "UTF-16": (str(HEADER).replace("'", '"').encode("utf-16"), "unreadable"),
    "UTF-32": ('{"alg":1}'.encode("utf-32"), "unreadable"),
    "a byte order mark": ('{"alg":1}'.encode("utf-8-sig"), "unreadable"),
    "broken UTF-8": (b'{"alg":"\xff\xfe"}', "unreadable"),
    "overlong UTF-8": (b'{"alg":"\xc0\xaf"}', "unreadable"),
    "deep lists": ("[" * 2500, "unreadable"),
    "deep objects": ('{"alg":' * 400, "unreadable"),
}  # fmt: skip

BAD_TIMES: dict[str, str] = {
    "a text": f'"{SECONDS + 60}"',
    "a text with underscores": '"9_999_999_999"',
    "Arabic-Indic digits": '"٩٩٩٩٩٩٩٩٩٩"',
    "a fraction": f"{SECONDS}.5",
    "a whole fraction": f"{SECONDS}.0",
    "an exponent": "2e9",
    "true": "true",
    "false": "false",
    "null": "null",
    "a list": f"[{SECONDS}]",
    "an object": "{}",
    "zero": "0",
    "minus one": "-1",
    "2**53": str(2**53),
    "10**400": "1" + "0" * 400,
}

BAD_CLAIMS: dict[str, tuple[Any, str]] = {
    **{
        f"{claim} is {name}": (json_with(claim, value), "times")
        for claim in ("exp", "iat", "nbf")
        for name, value in BAD_TIMES.items()
    },
    **{
        f"{claim} is {value}": (json_with(claim, value), f"{value} is not JSON")
        for claim in ("exp", "iat", "sub")
        for value in ("NaN", "Infinity", "-Infinity")
    },
    **{f"no {name}": (without(CLAIMS, name), "times") for name in ("exp", "iat")},
    **{f"no {name}": (without(CLAIMS, name), name) for name in ("sub", "sid", "jti")},
    "names in another case": ({**without(CLAIMS, "exp"), "EXP": CLAIMS["exp"]}, "times"),
    "expired": ({**CLAIMS, "iat": SECONDS - 60, "exp": SECONDS - 30}, "expired"),
    "issued in the future": ({**CLAIMS, "iat": SECONDS + 60}, "not yet valid"),
    "not before a minute": ({**CLAIMS, "nbf": SECONDS + 60}, "not yet valid"),
    "of a long life": ({**CLAIMS, "exp": SECONDS + 86_400}, "lifetime"),
    **{
        f"sub is {value!a}": ({**CLAIMS, "sub": value}, "sub")
        for value in ("", "a\0", "a\nb", "\x7f", "\ud800", "x" * 256, 1, True, None, ["1"], {"$ne": None})
    },
    **{
        f"{claim} is {value!a}": ({**CLAIMS, claim: value}, claim)
        for claim in ("sid", "jti")
        for value in ("", "s" * 21, "s" * 23, "s" * 21 + "=", "s" * 21 + "\n", "\u0661" * 22, 1, None, ["s" * 22])
    },
    "a repeated name": (f'{{"sub":"2",{json_with("x", "1")[1:]}', "repeated name"),
    "a repeated name within": (json_with("x", '{"a":1,"a":2}'), "repeated name"),
    "a repeated name by an escape": (f'{{"\\u0073ub":"2",{json_with("x", "1")[1:]}', "repeated name"),
    "a list": ("[]", "not an object"),
    "a number": ("17", "not an object"),
    "no JSON": ("sub=1", "unreadable"),
    "cut short": (json_with("x", "1")[:-1], "unreadable"),
    "with something after it": (json_with("x", "1") + "{}", "unreadable"),
    "UTF-16": (json_with("x", "1").encode("utf-16"), "unreadable"),
    "UTF-16 without a mark": (json_with("x", "1").encode("utf-16-le"), "unreadable"),
    "a byte order mark": (json_with("x", "1").encode("utf-8-sig"), "unreadable"),
    "broken UTF-8": (b'{"sub":"\xff"}', "unreadable"),
    "deep lists": ("[" * 2500, "unreadable"),
    "deep lists in a claim": (json_with("x", "[" * 1200 + "]" * 1200), "unreadable"),
}

BAD_REFRESH_CLAIMS: dict[str, tuple[str, object]] = {
    **{
        f"gen is {value!r}": ("gen", value)
        for value in (-1, 2**31, 10**30, "0", True, False, 0.0, None, [0], {"$gt": 0})
    },
    **{
        f"auth_time is {value!r}": ("auth_time", value)
        for value in (0, -1, 2**53, str(SECONDS), float(SECONDS), True, None, [SECONDS])
    },
}


def refusal(token: object, purpose: Purpose = Purpose.ACCESS) -> str:
    """Return why the token is refused; anything but a ``TokenException`` is a failure."""
    with pytest.raises(TokenException) as caught:
        make_signer().read(token, purpose)
    assert caught.value.message == TokenException.default_message  # the reason is for the log only
    return caught.value.reason


def test_the_token_that_all_others_are_made_from_is_good() -> None:
    """What the tables below break is whole to begin with."""
    signer = make_signer()

    assert signer.read(TOKEN, Purpose.ACCESS) == CLAIMS
    assert signer.read(forge({**HEADER, "typ": "refresh+jwt"}, REFRESH_CLAIMS), Purpose.REFRESH) == REFRESH_CLAIMS
    assert signer.read(forge(claims=json_with("x", "[[[1]]]")), Purpose.ACCESS) == {**CLAIMS, "x": [[[1]]]}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_what_does_not_look_like_a_token_is_refused_unread(token: object) -> None:
    """What is no text of three segments of base64url, or too long, is refused before anything reads it."""
    assert refusal(token) == "malformed"


@pytest.mark.parametrize(("header", "reason"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_has_exactly_what_a_header_of_ours_has(header: Any, reason: str) -> None:
    """A header of other names, an unknown key, another algorithm or another purpose is refused, however signed."""
    assert refusal(forge(header)) == reason


@pytest.mark.parametrize(("claims", "reason"), BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_claims_that_do_not_fit_are_refused_though_properly_signed(claims: Any, reason: str) -> None:
    """Claims that are missing, of another type or outside their grammar are refused, even with the right signature."""
    assert refusal(forge(claims=claims)) == reason


@pytest.mark.parametrize(("claim", "value"), BAD_REFRESH_CLAIMS.values(), ids=BAD_REFRESH_CLAIMS)
def test_a_refresh_token_counts_in_whole_numbers(claim: str, value: object) -> None:
    """A generation and the time of the sign-in are whole numbers within their bounds."""
    token = forge({**HEADER, "typ": "refresh+jwt"}, {**REFRESH_CLAIMS, claim: value})

    assert refusal(token, Purpose.REFRESH) == claim


@pytest.mark.parametrize("name", Purpose.REFRESH.required)
def test_a_refresh_token_has_all_of_its_claims(name: str) -> None:
    """A refresh token that lacks a claim is refused."""
    token = forge({**HEADER, "typ": "refresh+jwt"}, without(REFRESH_CLAIMS, name))

    assert refusal(token, Purpose.REFRESH) == name


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(f"{HEAD}.{BODY}.{flipped(SIGNATURE)}", "signature", id="another bit in the signature"),
        pytest.param(f"{HEAD}.{BODY}.{b64(unb64(SIGNATURE)[:-1])}", "signature", id="a signature cut short"),
        pytest.param(f"{HEAD}.{BODY}.{SIGNATURE[:-2]}", "unreadable", id="a signature cut within a byte"),
        pytest.param(f"{HEAD}.{BODY}.{b64(unb64(SIGNATURE) + bytes(1))}", "signature", id="a longer signature"),
        pytest.param(f"{HEAD}.{BODY}.AA", "signature", id="a signature of one byte"),
        pytest.param(f"{HEAD}.{BODY}.{respelled(SIGNATURE)}", "unreadable", id="the signature spelled otherwise"),
        pytest.param(f"{HEAD}.{segment({**CLAIMS, 'sub': '2'})}.{SIGNATURE}", "signature", id="another payload"),
        pytest.param(f"{HEAD}.{HEAD}.{SIGNATURE}", "signature", id="the header as payload"),
        pytest.param(f"{HEAD}.{BODY}.{b64(b'{}')}", "signature", id="JSON as signature"),
        pytest.param(forge(secret="x" * 32), "signature", id="another secret"),
        pytest.param(forge(secret=""), "signature", id="an empty secret"),
        pytest.param(f"{respelled(segment(b'{}'))}.{BODY}.{SIGNATURE}", "unreadable", id="a header spelled otherwise"),
    ],
)
def test_a_token_that_was_tampered_with_is_refused(token: str, reason: str) -> None:
    """Not a bit of a token can be changed, not even one that stands for nothing."""
    assert refusal(token) == reason


def test_a_refusal_shows_nothing_of_the_token() -> None:
    """What a log keeps of a refused token, its causes included, holds no segment of it and no claim."""
    claims = {**CLAIMS, "sub": "top-secret-subject", "exp": "top-secret-time"}
    for token in (TOKEN + "=", f"{HEAD}.{BODY}.{flipped(SIGNATURE)}", forge(claims=claims), forge(b"\xff" * 30)):
        with pytest.raises(TokenException) as caught:
            make_signer().read(token, Purpose.ACCESS)
        logged = "".join(traceback.format_exception(caught.value)) + repr(caught.value)

        assert not any(segment in logged for segment in token.split("."))
        assert "top-secret" not in logged


def test_the_longest_token_is_4096_characters_long() -> None:
    """Tokens are read up to 4,096 characters, and refused from there on."""
    headers = [json.dumps(HEADER) + " " * count for count in range(3)]  # so that every length of a token is met
    tokens = [forge(header, {**CLAIMS, "x": "x" * count}) for header in headers for count in range(2700, 2900)]
    [good, *_] = [token for token in tokens if len(token) == 4096]
    [too_long, *_] = [token for token in tokens if len(token) == 4097]

    assert make_signer().read(good, Purpose.ACCESS)["sub"] == "1"
    assert refusal(too_long) == "malformed"


def test_the_subject_may_have_any_printable_characters() -> None:
    """A key of up to 255 characters is a subject, in any script."""
    for subject in ("1", "x" * 255, "3f8a-…", "\u05d0", "a b"):
        assert make_signer().read(forge(claims={**CLAIMS, "sub": subject}), Purpose.ACCESS)["sub"] == subject
