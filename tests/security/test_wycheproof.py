"""The vectors of Project Wycheproof, through our own keys and gate: each difference is explained.

They are read from ``WYCHEPROOF_DIR``, or from ``shared/wycheproof`` beside the checkout, and are no part of it.
"""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fastauth.core.clock import system_clock
from fastauth.core.encoding import unb64
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.gate import Gate
from fastauth.core.keys import Key, KeyRing

FOLDER = Path(os.environ.get("WYCHEPROOF_DIR", Path(__file__).parents[3] / "shared" / "wycheproof"))
SUPPORTED = {"HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"}

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the vectors are not here: clone C2SP/wycheproof and set WYCHEPROOF_DIR to testvectors_v1",
)

# Vectors that are judged otherwise here than the file says, each with its reason.
EXPLAINED: dict[tuple[str, int], str] = {
    ("json_web_signature_test.json", 259): "an empty payload is valid for JWS, and holds no claims",
    ("json_web_signature_test.json", 272): "an empty payload is valid for JWS, and holds no claims",
    ("json_web_signature_test.json", 346): "the token says PS384 and its key PS256: one algorithm per key",
    ("json_web_signature_test.json", 350): "the token says PS384 and its key PS256: one algorithm per key",
    ("json_web_signature_test.json", 372): "a '?' stands within the header; RFC 7515 has no such character",
    ("json_web_signature_test.json", 373): "a '?' stands within the payload; RFC 7515 has no such character",
    ("json_web_signature_test.json", 367): "a defect of the file: the same text as vector 357, which is valid",
    ("json_web_signature_test.json", 370): "a defect of the file: the same text as vector 357, which is valid",
    ("json_web_key_test.json", 1): "a ring of symmetric and asymmetric keys is how HS256 is left for ES256; "
    "each key has one algorithm, so that none can be taken for the other",
    ("json_web_crypto_test.json", 47): "the same as vector 1 of the keys",
}


@cache
def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


def gate() -> Gate:
    # Vectors have headers without "typ", and payloads that are no claims: what is judged is the signature and before.
    return Gate(
        issuer=None, audiences=(), leeway=timedelta(0), clock=system_clock, max_length=100_000, optional={"typ", "kid"}
    )


def passes(keys: list[Any], token: object) -> bool:
    """Say whether a ring of these JWKs lets the token's signature through."""
    try:
        ring = [Key.from_jwk(jwk, use="verify") for jwk in keys]
        if len(ring) > 1:
            KeyRing([Key("x" * 64), *ring])
        opened = gate().open(token)
        kid = opened.header.get("kid")
        key = next((key for key in ring if key.kid == kid), ring[0] if kid is None else None)
        Gate.authenticate(opened, key, types={""})
        unb64(opened.payload)
    except Exception:  # noqa: BLE001 - a refusal, whatever its reason
        return False
    return True


def tokens(name: str) -> Iterator[tuple[int, list[Any], Any, bool]]:
    """Yield the vectors that are about signatures and algorithms of ours."""
    for group in load(name)["testGroups"]:
        given = group.get("public") or group["private"]
        keys = given.get("keys", [given])
        if group["comment"].startswith("jwe"):
            continue
        for test in group["tests"]:
            supported = all(key.get("alg", "ES256") in SUPPORTED for key in keys)
            if supported or test["result"] == "invalid":  # what is invalid has to be refused, whatever it is
                yield test["tcId"], keys, test["jws"], test["result"] == "valid"


@pytest.mark.parametrize(
    ("name", "least"),
    [("json_web_signature_test.json", 360), ("json_web_key_test.json", 26), ("json_web_crypto_test.json", 49)],
)
def test_r_jw_12_every_token_is_judged_as_the_vectors_say_or_the_difference_is_explained(name: str, least: int) -> None:
    """Signatures, base64, headers, key uses, weak keys and sets: each vector that applies has its expected result."""
    differing: dict[tuple[str, int], tuple[bool, bool]] = {}
    count = 0
    for number, keys, token, valid in tokens(name):
        count += 1
        found = passes(keys, token)
        if found != valid:
            differing[name, number] = (valid, found)

    assert differing.keys() == {key for key in EXPLAINED if key[0] == name}
    assert count >= least


def test_r_jw_5_no_invalid_token_is_accepted() -> None:
    """Of what is to be refused only that passes which is good: keys of two kinds, and a valid vector's text."""
    accepted = {
        (name, number)
        for name in ("json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json")
        for number, keys, token, valid in tokens(name)
        if not valid and passes(keys, token)
    }

    [valid_text] = {token for number, _, token, _ in tokens("json_web_signature_test.json") if number == 357}
    same_text = {
        ("json_web_signature_test.json", number)
        for number, _, token, valid in tokens("json_web_signature_test.json")
        if token == valid_text and not valid
    }
    assert same_text == {("json_web_signature_test.json", 367), ("json_web_signature_test.json", 370)}
    assert accepted == {("json_web_key_test.json", 1), ("json_web_crypto_test.json", 47)} | same_text


def hmac_key(group: dict[str, Any], test: dict[str, Any]) -> Key:
    return Key(bytes.fromhex(test["key"]))


def pem_key(group: dict[str, Any], test: dict[str, Any]) -> Key:
    algorithm = "RS256" if group["type"].startswith("Rsa") else None
    return Key.from_pem(group["publicKeyPem"], algorithm=algorithm)


PRIMITIVES = {
    "hmac_sha256_test.json": (hmac_key, "tag"),
    "ecdsa_secp256r1_sha256_p1363_test.json": (pem_key, "sig"),
    "ed25519_test.json": (pem_key, "sig"),
    "rsa_signature_2048_sha256_test.json": (pem_key, "sig"),
    "rsa_signature_3072_sha256_test.json": (pem_key, "sig"),
    "rsa_signature_4096_sha256_test.json": (pem_key, "sig"),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_r_jw_1_signatures_of_each_algorithm_are_judged_as_the_vectors_say(name: str) -> None:
    """The primitives behind our keys accept what is valid and nothing else.

    Left out are truncated tags and keys that are no keys of ours: short secrets, and RSA exponents under 65537. A
    signature that the file calls acceptable may go either way.
    """
    make, field = PRIMITIVES[name]
    differing: list[int] = []
    used = refused = 0
    for group in load(name)["testGroups"]:
        if group.get("tagSize", 256) != 256:
            continue
        for test in group["tests"]:
            try:
                key = make(group, test)
            except ConfigurationError:
                refused += 1
                continue
            used += 1
            found = key.verify(bytes.fromhex(test["msg"]), bytes.fromhex(test[field]))
            if test["result"] != "acceptable" and found != (test["result"] == "valid"):
                differing.append(test["tcId"])

    assert differing == []
    assert used > 60
    assert refused <= used
