"""Which usernames nobody may give themselves: those of the staff, and those that could be taken for them."""

from collections.abc import Collection, Iterable

from fastauth.core.confusables import mixes_scripts, skeleton
from fastauth.core.exceptions import ValidationException

_SEPARATORS = str.maketrans("", "", "._-")

_MAILBOXES = """
abuse ftp hostmaster info list-request marketing news noc postmaster sales security support trouble usenet uucp
webmaster www
"""  # RFC 2142
_STAFF = """
admin admins administrator administrators moderator moderators mod mods superadmin superuser superusers sysadmin sysop
owner root staff team
"""
_VOICES = """
accounts billing contact customer-service feedback help helpdesk legal official payments privacy service system
"""
_NOBODY = """
anonymous api autoconfig autodiscover bot daemon guest mail mailer-daemon me no-reply noreply nobody null undefined
"""

RESERVED_USERNAMES: frozenset[str] = frozenset((_MAILBOXES + _STAFF + _VOICES + _NOBODY).split())
"""The names that are refused at registration unless an app sets others."""


class NamePolicy:
    """Judges the usernames that people choose for themselves; an operator may give any.

    Names are compared by their skeletons (UTS #39) and without ``.``, ``_`` and ``-``, so that ``super.admin`` and
    ``adrnin`` are refused with ``superadmin`` and ``admin``.

    Args:
        reserved: The names of the staff.
    """

    def __init__(self, reserved: Collection[str]) -> None:
        self._reserved = frozenset(map(_likeness, reserved))

    def check(self, username: str) -> None:
        """Judge a username, in canonical form.

        Raises:
            ValidationException: It mixes scripts, or is or looks like a reserved one; the detail's type says which.
        """
        if mixes_scripts(username):
            message = "A username is written in one script: letters of others may look like these."
            raise ValidationException.of("username", message, "username_mixed_scripts")
        if _likeness(username) in self._reserved:
            raise ValidationException.of("username", "This username is reserved.", "username_reserved")

    def check_against(self, username: str, others: Iterable[str]) -> None:
        """Refuse a username that is another one than these, and can be taken for one of them.

        Raises:
            ValidationException: It looks like one of the others.
        """
        looks = skeleton(username)
        if any(looks == skeleton(other) and username != other for other in others):
            message = "This username looks like that of somebody who runs this service."
            raise ValidationException.of("username", message, "username_confusable")


def _likeness(name: str) -> str:
    return skeleton(name.lower().translate(_SEPARATORS))
