"""Another issuer's JWK Set: each key is judged by itself."""

import json
from typing import Any

import pytest

from fastauth.core.jwks import read_key_set
from fastauth.core.keys import Key
from tests.core.pems import P256, PEMS, RSA


def public(algorithm: str, **members: Any) -> dict[str, Any]:
    jwk = Key(PEMS[algorithm], algorithm=algorithm).public_jwk
    assert jwk is not None
    return {**jwk, "kid": algorithm, **members}


def names(*jwks: Any) -> list[str]:
    return list(read_key_set(json.dumps({"keys": jwks}).encode()))


BAD: dict[str, Any] = {
    "no object": "key",
    "null": None,
    "empty": {},
    "no kid": {name: value for name, value in public("ES256").items() if name != "kid"},
    "a secret": {"kty": "oct", "k": "A" * 43, "kid": "x"},
    "a secret that calls itself RS256": {"kty": "oct", "k": "A" * 43, "alg": "RS256", "kid": "x"},
    "a public key for HS256": public("RS256", alg="HS256"),
    "a private key": public("ES256", d="A" * 43),
    "for encryption": public("RS256", use="enc"),
    "of another algorithm": public("RS256", alg="RS512"),
    "of another curve": public("ES256", crv="P-384"),
    "broken": public("ES256", y="A"),
    "of one exponent": public("RS256", e="AQ"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_one_bad_key_does_not_take_the_others_with_it(bad: Any) -> None:
    """A key that is weak, broken, secret or for something else is left out, and the others are used."""
    assert names(bad, public("PS256"), bad, public("EdDSA")) == ["PS256", "EdDSA"]


@pytest.mark.parametrize("member", ["kty", "alg", "kid", "use", "key_ops", "crv", "x", "y", "d", "x5c"])
@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "x", [], ["RS256"], {}, {"a": []}], ids=repr)
def test_no_odd_value_takes_the_other_keys_with_it(member: str, value: Any) -> None:
    """Whatever JSON has where a key should have a text, the other keys are used."""
    found = names(public("ES256", **{member: value}), public("EdDSA"))

    assert found[-1] == "EdDSA"


def test_keys_that_share_a_name_are_left_out() -> None:
    """Where two usable keys have one name, neither is used; one that is for encryption does not count."""
    assert names(public("ES256", kid="a"), public("EdDSA", kid="a"), public("RS256", kid="b")) == ["b"]
    assert names(public("ES256", kid="a"), public("RS256", kid="a", use="enc")) == ["a"]


def test_an_rsa_key_without_an_algorithm_is_for_rs256() -> None:
    """Issuers that leave ``alg`` out mean RS256; every key of a set only verifies."""
    bare = {name: value for name, value in public("RS256").items() if name not in {"alg", "use"}}
    [key] = read_key_set(json.dumps({"keys": [bare]}).encode()).values()

    assert (key.algorithm, key.use) == ("RS256", "verify")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":[],"keys":[]}',
        b"\xff\xfe",
        b'{"keys":' * 3000,
        json.dumps({"keys": [{}] * 101}).encode(),
    ],
)
def test_what_is_no_set_is_an_error(document: bytes) -> None:
    """A document that is no set, or an absurd one, is not taken for an empty one."""
    with pytest.raises((ValueError, RecursionError)):
        read_key_set(document)


def test_a_private_pem_is_no_set() -> None:
    """Other documents with keys in them are no sets."""
    for text in (P256, RSA):
        with pytest.raises(ValueError):
            read_key_set(text.encode())
