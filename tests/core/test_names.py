"""Names that nobody may give themselves."""

import pytest

from fastauth.core.exceptions import ValidationException
from fastauth.core.models import ADMIN, MODERATOR, SUPERADMIN
from fastauth.core.names import RESERVED_USERNAMES, NamePolicy


def verdict(username: str, *, policy: NamePolicy | None = None, others: tuple[str, ...] = ()) -> str | None:
    """Return what is wrong with a username, as the stable type of the error."""
    judge = policy or NamePolicy(RESERVED_USERNAMES)
    try:
        judge.check(username)
        judge.check_against(username, others)
    except ValidationException as error:
        return error.details[0]["type"] if error.details[0]["loc"] == ["body", "username"] else "elsewhere"
    return None


@pytest.mark.parametrize("name", sorted(RESERVED_USERNAMES))
def test_every_reserved_name_is_refused(name: str) -> None:
    """Each name of the list is refused, with separators in it or without."""
    assert verdict(name) == "username_reserved"
    assert verdict("_".join(name)) == "username_reserved"


def test_the_roles_with_power_and_the_mailboxes_of_every_domain_are_on_the_list() -> None:
    """RFC 2142's names, and the names of our own roles that give power over others, are reserved."""
    assert {SUPERADMIN, ADMIN, MODERATOR} <= RESERVED_USERNAMES
    assert {"abuse", "hostmaster", "noc", "postmaster", "security", "webmaster"} <= RESERVED_USERNAMES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adrnin", "username_reserved"),
        ("super.admin", "username_reserved"),
        ("superadm\u0131n", "username_reserved"),
        ("\u0430\u0434\u043c\u0456\u043d", None),
        ("adm\u0456n", "username_mixed_scripts"),
        ("adminton", None),
        ("rooted", None),
        ("ada", None),
    ],
)
def test_a_look_alike_of_a_reserved_name_is_refused(name: str, expected: str | None) -> None:
    """What can be taken for a reserved name is refused like it; what merely begins like one is not."""
    assert verdict(name) == expected


def test_an_app_names_its_own() -> None:
    """A list of the app's own takes the place of ours; an empty one reserves nothing."""
    own = NamePolicy({"Captain.Hook", "crew"})

    assert verdict("captainhook", policy=own) == "username_reserved"
    assert verdict("admin", policy=own) is None
    assert verdict("admin", policy=NamePolicy(())) is None


def test_a_look_alike_of_somebody_else_is_refused() -> None:
    """A name that can be taken for another one's is refused; the very same is a matter of being taken."""
    assert verdict("marnie", others=("eve", "mamie")) == "username_confusable"
    assert verdict("\u0441\u043e\u0440\u0430", others=("copa",)) == "username_confusable"
    assert verdict("copa", others=("copa",)) is None
    assert verdict("ada", others=("adä", "eve")) is None
