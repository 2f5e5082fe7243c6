"""Names at registration: nobody is taken for the staff, and an operator may give any name."""

from typing import Any

import pytest

from fastauth import FastAuth, ValidationException
from fastauth.core.names import RESERVED_USERNAMES, NamePolicy
from fastauth.services import names
from fastauth.services.names import Names
from tests.conftest import PASSWORD


async def verdict(judge: Names[Any], username: str) -> str | None:
    """Return what is wrong with a username, as the stable type of the error."""
    try:
        await judge.check(username)
    except ValidationException as error:
        return error.details[0]["type"]
    return None


async def test_r_id_4_nobody_is_taken_for_the_staff(auth: FastAuth[Any]) -> None:
    """Names that are reserved, look so, mix scripts, or look like an administrator's are refused, with the reason."""
    await auth.accounts.create("marnie", "marnie@example.com", PASSWORD, roles=["admin"])
    await auth.accounts.create("copa", "copa@example.com", PASSWORD, roles=["superadmin"])
    await auth.accounts.create("mila", "mila@example.com", PASSWORD, roles=["user"])
    judge = Names(auth.store, NamePolicy(RESERVED_USERNAMES))

    assert await verdict(judge, "admin") == "username_reserved"
    assert await verdict(judge, "superadm\u0131n") == "username_reserved"
    assert await verdict(judge, "adm\u0456n") == "username_mixed_scripts"
    assert await verdict(judge, "mamie") == "username_confusable"
    assert await verdict(judge, "\u0441\u043e\u0440\u0430") == "username_confusable"
    assert await verdict(judge, "rnila") is None  # like somebody, but nobody of the staff
    assert await verdict(judge, "grace") is None


async def test_every_administrator_counts(auth: FastAuth[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many administrators there are, a look-alike of the last one is found."""
    monkeypatch.setattr(names, "_PAGE", 2)
    for name in ("ada", "eve", "grace", "mamie"):
        await auth.accounts.create(name, f"{name}@example.com", PASSWORD, roles=["admin"])

    assert await verdict(Names(auth.store, NamePolicy(())), "marnie") == "username_confusable"
