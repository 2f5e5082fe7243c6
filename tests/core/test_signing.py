"""Claims in, token out, and back: purposes, times, issuer and audience, and the ring of keys."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from fastauth.core.clock import system_clock
from fastauth.core.exceptions import TokenException
from fastauth.core.keys import Key, KeyRing
from fastauth.core.settings import TokenSettings
from fastauth.core.signing import RESERVED_CLAIMS, Purpose, Signer
from fastauth.testing import ManualClock
from tests.core.forge import (
    AUDIENCE,
    CLAIMS,
    EVERY_CLAIM,
    HEADER,
    ISSUER,
    LIFETIMES,
    NOW,
    REFRESH_CLAIMS,
    SECONDS,
    SECRET,
    claims_of,
    forge,
    make_signer,
    signed,
    without,
)

OTHER_SECRET = "wS8eN2vK5xQ1zT7rU4yP0mD9fB3hJ6gC_lA-oI5tE2k"


def refusal(signer: Signer, token: object, purpose: Purpose = Purpose.ACCESS) -> str:
    """Return why the signer refuses the token."""
    with pytest.raises(TokenException) as caught:
        signer.read(token, purpose)
    return caught.value.reason


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_what_is_signed_is_read_back(algorithm: str) -> None:
    """A token that was signed is read back with the same claims, with every algorithm."""
    signer = make_signer(Key(SECRET * 2, algorithm=algorithm))

    token = signed(signer, Purpose.REFRESH, without(REFRESH_CLAIMS, "iss", "aud"))

    assert signer.read(token, Purpose.REFRESH) == REFRESH_CLAIMS


@pytest.mark.parametrize("read_for", Purpose)
@pytest.mark.parametrize("signed_for", Purpose)
def test_a_token_works_for_its_own_purpose_only(signed_for: Purpose, read_for: Purpose) -> None:
    """A token works for the purpose it was signed for and for no other, even when it has all of the claims."""
    signer = make_signer()
    token = signed(signer, signed_for, EVERY_CLAIM)

    if signed_for is read_for:
        assert signer.read(token, read_for)["sid"] == CLAIMS["sid"]
    else:
        assert refusal(signer, token, read_for) == "purpose"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_media_type_of_an_access_token_may_be_spelled_in_full(typ: str) -> None:
    """The ``typ`` of RFC 9068 is read in both of its spellings, in any case."""
    assert make_signer().read(forge({**HEADER, "typ": typ}), Purpose.ACCESS) == CLAIMS


@pytest.mark.parametrize(
    ("claim", "offset", "reason"),
    [
        ("exp", -9, None),
        ("exp", -10, "expired"),
        ("iat", 10, None),
        ("iat", 11, "not yet valid"),
        ("nbf", 10, None),
        ("nbf", 11, "not yet valid"),
    ],
)
def test_the_clocks_of_two_machines_may_be_apart_by_the_leeway(claim: str, offset: int, reason: str | None) -> None:
    """Each time is judged with ten seconds of leeway and not one more."""
    claims = {**CLAIMS, "iat": SECONDS - 60, "exp": SECONDS + 60, claim: SECONDS + offset}
    signer = make_signer()

    if reason is None:
        assert signer.read(forge(claims=claims), Purpose.ACCESS) == claims
    else:
        assert refusal(signer, forge(claims=claims)) == reason


@pytest.mark.parametrize("purpose", Purpose)
def test_no_token_may_claim_a_longer_life_than_its_purpose_has(purpose: Purpose) -> None:
    """A token of exactly the longest lifetime is good, and one of a second more is refused."""
    signer = make_signer()
    longest = SECONDS + int(LIFETIMES[purpose].total_seconds())
    good = signed(signer, purpose, {**EVERY_CLAIM, "exp": longest})
    too_long = signed(signer, purpose, {**EVERY_CLAIM, "exp": longest + 1})

    assert signer.read(good, purpose)["exp"] == longest
    assert refusal(signer, too_long, purpose) == "lifetime"


def test_a_token_ages_with_the_clock() -> None:
    """A token that was good is refused once its time and the leeway are over."""
    clock = ManualClock(NOW)
    signer = make_signer(clock=clock)
    token = signed(signer, Purpose.ACCESS, CLAIMS)

    clock.move(timedelta(seconds=1809))
    still_good = signer.read(token, Purpose.ACCESS)
    clock.move(timedelta(seconds=1))

    assert still_good == CLAIMS
    assert refusal(signer, token) == "expired"


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        "",
        "https://issuer.exampl",
        "https://issuer.example/",
        "https://issuer.example.evil.example",
        "HTTPS://ISSUER.EXAMPLE",
        [ISSUER],
        {"iss": ISSUER},
        1,
    ],
)
def test_r_jw_8_the_issuer_is_compared_exactly(issuer: Any) -> None:
    """An issuer that is not letter by letter ours is refused."""
    assert refusal(make_signer(), forge(claims={**CLAIMS, "iss": issuer})) == "issuer"


def test_a_token_without_an_issuer_is_refused_where_one_is_set() -> None:
    """A missing issuer is a wrong issuer."""
    assert refusal(make_signer(), forge(claims=without(CLAIMS, "iss"))) == "issuer"


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        "https://api.exampl",
        "https://api.example/",
        "HTTPS://API.EXAMPLE",
        [],
        [AUDIENCE + "/"],
        [AUDIENCE, 1],
        [[AUDIENCE]],
        {AUDIENCE: True},
        7,
        True,
    ],
)
def test_r_jw_8_an_audience_that_does_not_name_us_is_refused(audience: Any) -> None:
    """An audience is a text, or a list of nothing but texts, that names us exactly."""
    assert refusal(make_signer(), forge(claims={**CLAIMS, "aud": audience})) == "audience"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
def test_an_audience_that_names_us_is_enough(audience: Any) -> None:
    """A token may be for others too, as long as it is for us."""
    claims = {**CLAIMS, "aud": audience}

    assert make_signer().read(forge(claims=claims), Purpose.ACCESS) == claims


def test_a_token_without_an_audience_is_refused_where_one_is_set() -> None:
    """A missing audience is a wrong audience."""
    assert refusal(make_signer(), forge(claims=without(CLAIMS, "aud"))) == "audience"


def test_r_jw_8_two_apps_with_one_key_do_not_read_each_others_tokens() -> None:
    """A shared secret does not make two audiences one."""
    shop = make_signer(audience="shop")
    bank = make_signer(audience="bank")

    assert refusal(bank, signed(shop, Purpose.ACCESS, CLAIMS)) == "audience"
    assert refusal(shop, signed(bank, Purpose.ACCESS, CLAIMS)) == "audience"


def test_several_audiences_are_written_as_a_list_and_one_is_enough_to_read() -> None:
    """A token for several audiences names all of them, and each of them reads it."""
    token = signed(make_signer(audience=["shop", "bank"]), Purpose.ACCESS, CLAIMS)

    assert claims_of(token)["aud"] == ["shop", "bank"]
    assert make_signer(audience="bank").read(token, Purpose.ACCESS)["aud"] == ["shop", "bank"]


def test_issuer_and_audience_are_left_out_where_none_is_set() -> None:
    """Without settings there is neither an issuer nor an audience in a token, and nobody asks for one."""
    signer = make_signer(settings=TokenSettings())
    plain = without(CLAIMS, "iss", "aud")

    token = signed(signer, Purpose.ACCESS, plain)

    assert signer.read(token, Purpose.ACCESS) == plain
    assert signer.read(forge(), Purpose.ACCESS) == CLAIMS


def test_the_ring_reads_what_any_of_its_keys_signed() -> None:
    """After a rotation the new key signs, and tokens of the old one are still read."""
    old_key, new_key = Key(SECRET), Key(OTHER_SECRET)
    before, after = make_signer(old_key), make_signer(new_key, old_key)

    old_token, new_token = signed(before, Purpose.ACCESS, CLAIMS), signed(after, Purpose.ACCESS, CLAIMS)

    assert after.read(old_token, Purpose.ACCESS) == CLAIMS
    assert after.read(new_token, Purpose.ACCESS) == CLAIMS
    assert jwt.get_unverified_header(new_token)["kid"] == new_key.kid


def test_a_token_of_a_dropped_key_is_refused() -> None:
    """Once a key has left the ring its tokens are refused, and a key not yet in it is unknown too."""
    old_key, new_key = Key(SECRET), Key(OTHER_SECRET)

    assert refusal(make_signer(new_key), signed(make_signer(old_key), Purpose.ACCESS, CLAIMS)) == "unknown key"
    assert refusal(make_signer(old_key), signed(make_signer(new_key), Purpose.ACCESS, CLAIMS)) == "unknown key"


def test_a_rotation_may_change_the_algorithm() -> None:
    """Keys of different algorithms stand in one ring, each for its own algorithm only."""
    old_key, new_key = Key(SECRET, kid="old"), Key(OTHER_SECRET * 2, algorithm="HS512", kid="new")
    signer = make_signer(new_key, old_key)

    assert signer.read(signed(make_signer(old_key), Purpose.ACCESS, CLAIMS), Purpose.ACCESS) == CLAIMS
    assert refusal(signer, forge({**HEADER, "kid": "new"}, secret=OTHER_SECRET * 2)) == "algorithm"


def test_pyjwt_reads_our_tokens() -> None:
    """Another library reads our tokens, checks them, and finds the same claims."""
    issued = int(system_clock().timestamp())
    signer = Signer(
        KeyRing([Key(SECRET, kid="one")]),
        TokenSettings(issuer=ISSUER, audience=AUDIENCE),
        lifetimes=LIFETIMES,
        clock=system_clock,
    )
    claims = {**CLAIMS, "iat": issued, "exp": issued + 60}

    token = signed(signer, Purpose.ACCESS, claims)

    assert jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER) == claims
    assert jwt.get_unverified_header(token) == HEADER


def test_we_read_a_token_that_pyjwt_made() -> None:
    """A token that another library made with the right header and claims is read like one of ours."""
    token = jwt.encode({**CLAIMS}, SECRET, algorithm="HS256", headers={"kid": "one", "typ": "at+jwt"})

    assert make_signer().read(token, Purpose.ACCESS) == CLAIMS


def test_every_claim_that_a_purpose_asks_for_is_reserved() -> None:
    """The reserved claims are the registered ones and all that any purpose asks for."""
    required = {name for purpose in Purpose for name in purpose.required}

    assert {"iss", "aud", "iat", "exp", "nbf", "typ", "ver", "client_id"} | required == RESERVED_CLAIMS
