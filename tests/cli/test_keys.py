"""A key that the environment has is judged for what it is."""

import pytest

from fastauth.cli.keys import key_of
from fastauth.core.exceptions import ConfigurationError
from tests.cli.conftest import Run
from tests.core.pems import ED25519, P256, RSA, public_pem

SECRET = "fT9zQw2Lz8Rk1Vb6Nm4Xc7Yh3Gp5Ds0Ja-Ke_Ui"


@pytest.mark.parametrize(
    ("text", "algorithm"), [(SECRET, "HS256"), (RSA, "RS256"), (P256, "ES256"), (f"\n{ED25519}\n", "EdDSA")]
)
def test_a_key_is_taken_for_what_it_is(text: str, algorithm: str) -> None:
    """A PEM is a key of its own algorithm, and everything else a secret."""
    assert key_of(text).algorithm == algorithm


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("short", "at least 32 bytes"),
        (public_pem(RSA), "A public key cannot sign"),
        (public_pem(P256), "A public key cannot sign"),
        (P256.replace("MIGH", "MIGX"), "cannot be read as one"),
    ],
)
def test_it_is_said_why_a_key_is_none(text: str, says: str) -> None:
    """What is said is about the key that was given, not about a secret that nobody gave."""
    with pytest.raises(ConfigurationError, match=says):
        key_of(text)


@pytest.mark.parametrize("pem", [RSA, P256])
def test_init_takes_a_pem_for_one(pem: str, run: Run) -> None:
    """A database is made ready where the key in the environment is a PEM, whose app names the algorithm."""
    made = run("init", "--db-url", "sqlite:///app.db", "--no-admin", FASTAUTH_SECRET_KEY=pem)

    assert made.exit_code == 0, made.output
    assert "PRIVATE KEY" not in made.output
