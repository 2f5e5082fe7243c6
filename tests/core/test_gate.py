"""Refusals are counted by reason, and their reasons stay in the house."""

import pytest

from fastauth.core.exceptions import TokenException
from fastauth.core.signing import Purpose
from tests.core.forge import CLAIMS, HEADER, SECONDS, forge, make_signer

TOKENS = {
    "malformed": "x",
    "header": forge({**HEADER, "crit": ["exp"]}),
    "unknown key": forge({**HEADER, "kid": "two"}),
    "algorithm": forge({**HEADER, "alg": "none"}),
    "purpose": forge({**HEADER, "typ": "JWT"}),
    "signature": forge(secret="x" * 32),
    "expired": forge(claims={**CLAIMS, "iat": SECONDS - 60, "exp": SECONDS - 30}),
    "repeated name": forge('{"alg":1,"alg":2}'),
    "unreadable": forge("{"),
    "sub": forge(claims={**CLAIMS, "sub": ""}),
}


def test_r_jw_5_every_refusal_is_counted_by_its_reason() -> None:
    """Each reason has its own count, a token that passes has none, and the counts cannot be changed from outside."""
    signer = make_signer()
    for number, token in enumerate(TOKENS.values(), 1):
        for _ in range(number):
            with pytest.raises(TokenException):
                signer.read(token, Purpose.ACCESS)
    signer.read(forge(), Purpose.ACCESS)

    assert dict(signer.rejections) == {reason: number for number, reason in enumerate(TOKENS, 1)}
    assert (len(signer.rejections), signer.rejections["never seen"]) == (len(TOKENS), 0)
    assert repr(signer.rejections) == f"Rejections({dict(signer.rejections)!r})"
    assert not hasattr(signer.rejections, "__setitem__")


def test_a_refusal_has_no_cause_in_itself() -> None:
    """A refusal that was one from the beginning is raised as it is; another has what went wrong as its cause."""
    with pytest.raises(TokenException) as plain:
        make_signer().read(TOKENS["signature"], Purpose.ACCESS)
    with pytest.raises(TokenException) as caused:
        make_signer().read(TOKENS["unreadable"], Purpose.ACCESS)

    assert plain.value.__cause__ is None
    assert isinstance(caused.value.__cause__, ValueError)
