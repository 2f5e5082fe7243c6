"""R-SC: what FastAuth stands on, and the limits that its operators have to know."""

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from fastauth import PasswordSettings, TokenSettings
from fastauth.core.identity import EMAIL_MAX_LENGTH, USERNAME_MAX_LENGTH
from fastauth.core.settings import MAX_PASSWORD_LENGTH
from fastauth.web.bodies import MAX_BODY_BYTES
from fastauth.web.cookies import _MAX_COOKIE_BYTES
from tests.docs.pages import DOCS, ROOT

# The first releases without a vulnerability that could be reached through us.
SOUND = {"pyjwt": "2.15.0", "starlette": "1.3.1", "python-multipart": "0.0.31", "bcrypt": "5.0"}


@pytest.mark.parametrize("name", SOUND)
def test_r_sc_1_no_release_that_is_known_to_be_unsound_may_be_installed(name: str) -> None:
    """The floors of what parses and verifies are above the releases with known vulnerabilities."""
    required = {each.name: each for each in map(Requirement, importlib.metadata.requires("fastauth") or ())}
    floor = next(each.version for each in required[name].specifier if each.operator == ">=")

    assert Version(floor) >= Version(SOUND[name])


def test_r_sc_1_an_audit_that_cannot_look_fails() -> None:
    """The audit of dependencies counts one that it cannot look up as a failure."""
    session = (ROOT / "noxfile.py").read_text("utf-8").partition("def audit(")[2].partition("@nox.session")[0]

    assert re.search(r'"pip-audit", "--strict"', session)


def test_r_sc_2_the_limits_are_documented() -> None:
    """The production checklist has the limits as the code has them."""
    page = (DOCS / "production.md").read_text("utf-8").partition("## Limits that you should know")[2]
    told = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", page, re.MULTILINE))

    assert told["body of a request to our routes"] == f"{MAX_BODY_BYTES // 1024} KiB"
    assert told["password"] == f"{MAX_PASSWORD_LENGTH:,} characters"
    assert told["username, address"] == f"{USERNAME_MAX_LENGTH}, {EMAIL_MAX_LENGTH} characters"
    assert told["access token in a cookie"].startswith(f"{_MAX_COOKIE_BYTES:,} bytes")
    assert told["a password's wait for a core"].startswith(f"{PasswordSettings().queue_timeout.seconds} seconds")
    assert told["session"].startswith(f"{TokenSettings().session_expires_in.days} days")
