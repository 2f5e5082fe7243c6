"""A JWK Set of another issuer: which of its keys are good, each judged by itself (RFC 7517, 5)."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from fastauth.core.encoding import read_json_object
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.key_material import MIN_BYTES
from fastauth.core.keys import Key

logger: logging.Logger = logging.getLogger("fastauth")

MAX_KEYS = 100
_OF_SECRETS = list(MIN_BYTES)  # a list: what is looked for in it may be anything that JSON has, and have no hash


def read_key_set(document: bytes) -> dict[str, Key]:
    """Return the usable keys of a JWK Set by name; one that is bad is left out, and the others stand.

    Raises:
        ValueError: The document is no JWK Set, or has an absurd number of keys.
        RecursionError: It is too deep.
    """
    listed: Any = read_json_object(document.decode("utf-8")).get("keys")
    if not isinstance(listed, list):
        raise ValueError("no JWK Set")  # noqa: TRY004
    jwks: list[Any] = listed  # pyright: ignore[reportUnknownVariableType]
    if len(jwks) > MAX_KEYS:
        raise ValueError("too many keys")
    keys: dict[str, Key] = {}
    repeated: set[str] = set()
    for jwk in cast("list[dict[str, Any]]", [each for each in jwks if isinstance(each, dict)]):
        try:
            key = _public_key(jwk)
        except ConfigurationError as error:
            logger.info("A key of a JWK Set is left out: %s", error.message)
            continue
        if key.kid in keys:
            repeated.add(key.kid)
        keys[key.kid] = key
    for kid in repeated:  # which of them is meant, nobody can know
        logger.info("Keys of a JWK Set are left out: they share a kid.")
        del keys[kid]
    return keys


def _public_key(jwk: Mapping[str, Any]) -> Key:
    if not isinstance(jwk.get("kid"), str):
        raise ConfigurationError("It has no kid.")
    if jwk.get("kty") == "oct" or jwk.get("alg") in _OF_SECRETS or "d" in jwk:
        raise ConfigurationError("It is no public key, and what signs is no secret any more.")
    # What many issuers leave out, because RSA keys for signatures were for RS256 first.
    default = "RS256" if jwk.get("kty") == "RSA" and "alg" not in jwk else None
    return Key.from_jwk(jwk, algorithm=default, use="verify")
