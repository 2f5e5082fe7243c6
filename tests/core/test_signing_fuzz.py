"""The gate against what nobody thought of: mutated tokens, and well signed tokens of random JSON."""

import json
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastauth.core.exceptions import TokenException
from fastauth.core.signing import Purpose
from tests.core.forge import CLAIMS, HEADER, REFRESH_CLAIMS, b64, forge, make_signer, unb64

TOKEN = forge()
SIGNER = make_signer()
ALPHABET = string.ascii_letters + string.digits + "-_.="

positions = st.integers(0, len(TOKEN) - 1)
characters = st.sampled_from(ALPHABET) | st.characters(codec=None)
edits = st.tuples(st.sampled_from(["replace", "insert", "delete", "swap", "repeat"]), positions, positions, characters)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def accepted(token: object, purpose: Purpose = Purpose.ACCESS) -> Any:
    """Return the claims, or None for a refusal; anything but a ``TokenException`` is a failure."""
    try:
        return SIGNER.read(token, purpose)
    except TokenException:
        return None


def edited(token: str, edit: tuple[str, int, int, str]) -> str:
    kind, at, other, character = edit
    at, other = at % (len(token) or 1), other % (len(token) or 1)
    low, high = sorted((at, other))
    if kind == "replace":
        return token[:at] + character + token[at + 1 :]
    if kind == "insert":
        return token[:at] + character + token[at:]
    if kind == "delete":
        return token[:low] + token[high:]
    if kind == "swap":
        return token[:low] + token[high : high + 1] + token[low + 1 : high] + token[low : low + 1] + token[high + 1 :]
    return token[:high] + token[low:high] + token[high:]


@settings(max_examples=400, deadline=None)
@given(st.lists(edits, min_size=1, max_size=3))
def test_nothing_but_the_token_itself_is_accepted(changes: list[tuple[str, int, int, str]]) -> None:
    """Of all that can be made from a valid token by a few edits, only the token itself is accepted."""
    token = TOKEN
    for change in changes:
        token = edited(token, change)

    assert accepted(token) == (CLAIMS if token == TOKEN else None)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2), st.binary(max_size=60), st.binary(max_size=60))
def test_no_other_bytes_pass_for_a_segment(which: int, head: bytes, tail: bytes) -> None:
    """A segment whose bytes are replaced, by anything at all, makes the token bad."""
    segments = TOKEN.split(".")
    original = unb64(segments[which])
    segments[which] = b64(head + original[len(head) : max(len(head), len(original) - len(tail))] + tail)
    token = ".".join(segments)

    assert accepted(token) == (CLAIMS if token == TOKEN else None)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None)) | values | st.binary())
def test_no_other_object_passes_for_a_token(token: object) -> None:
    """Whatever is read as a token is refused as a bad token, and nothing else is raised."""
    assert accepted(token) is None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(REFRESH_CLAIMS)), values)
def test_a_well_signed_claim_is_accepted_only_within_its_grammar(name: str, value: Any) -> None:
    """Whatever stands in a claim, a token that is accepted has claims that a database can be asked with."""
    token = forge(json.dumps({**HEADER, "typ": "refresh+jwt"}), json.dumps({**REFRESH_CLAIMS, name: value}))

    claims = accepted(token, Purpose.REFRESH)

    assert claims is None or (
        0 < len(claims["sub"]) <= 255
        and "\0" not in claims["sub"]
        and claims["sub"].encode()
        and [len(claims[name]) for name in ("sid", "jti")] == [22, 22]
        and all(type(claims[name]) is int for name in ("iat", "exp", "gen", "auth_time"))
        and 0 <= claims["gen"] < 2**31
    )


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["alg", "kid", "typ", "crit", "jku"]), values)
def test_a_well_signed_header_is_accepted_only_as_ours(name: str, value: Any) -> None:
    """Whatever stands in a header, only our own algorithm, key and purpose are accepted."""
    header = {**HEADER, name: value}

    claims = accepted(forge(json.dumps(header)))

    assert claims == (CLAIMS if header == HEADER else None)
