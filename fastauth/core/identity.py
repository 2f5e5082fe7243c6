"""One canonical form for names, made at the border, so that equality is plain equality in every database."""

import re
import unicodedata
from functools import lru_cache
from typing import Protocol

from fastauth.core.exceptions import ValidationException
from fastauth.core.models import Login

USERNAME_MAX_LENGTH = 64
EMAIL_MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3: a path of 256 octets less its angle brackets
_EMAIL_MAX_LOCAL_OCTETS = 64  # RFC 5321, 4.5.3.1.1
_EMAIL_MAX_DOMAIN_OCTETS = 255  # RFC 5321, 4.5.3.1.2

# Printable ASCII without the space is in PRECIS's IdentifierClass, and lower() is all that its profile does to it.
_ASCII_USERNAME = re.compile(r"[\x21-\x7e]+")
# RFC 5321's dot-string, with the letters that RFC 6531 adds. Quoted local parts are refused: nobody has one, and each
# has many spellings.
_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\].]+(?:\.[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\].]+)*")
_ASCII_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_ROLE_NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def canonical_username(username: str) -> str:
    """Return the username in the one form that is kept (RFC 8265, UsernameCaseMapped, and no ``@``).

    Raises:
        ValidationException: It is empty, too long, or has characters that no username may have.
    """
    canonical = username.lower() if _ASCII_USERNAME.fullmatch(username) else _precis(username)
    if "@" in canonical:
        raise ValidationException.of("username", "A username may not hold an @; it could be an e-mail address.")
    if len(canonical) > USERNAME_MAX_LENGTH:
        raise ValidationException.of("username", f"A username has at most {USERNAME_MAX_LENGTH} characters.")
    return canonical


class _Profile(Protocol):
    def enforce(self, value: str) -> str: ...


@lru_cache(maxsize=1)
def _username_profile() -> _Profile:
    # Imported at the first name that is not ASCII: the Unicode tables are not needed before.
    from precis_i18n import get_profile  # noqa: PLC0415

    profile: _Profile = get_profile("UsernameCaseMapped:ToLower")
    return profile


def _precis(username: str) -> str:
    if len(username) > 4 * USERNAME_MAX_LENGTH:
        raise ValidationException.of("username", f"A username has at most {USERNAME_MAX_LENGTH} characters.")
    try:
        return _username_profile().enforce(username)
    except UnicodeEncodeError:  # what the profile raises for a character that it does not allow
        raise ValidationException.of(
            "username",
            "A username has letters, digits and marks of one direction, the signs of a plain keyboard, and no spaces.",
        ) from None


def canonical_email(email: str) -> str:
    """Return the e-mail address in the one form that is kept.

    The domain becomes lower-case ASCII (IDNA 2008 after the UTS #46 mapping, RFC 5891); the local part is case-folded
    in NFKC, because no mailbox provider of today tells mailboxes apart by case.

    Raises:
        ValidationException: It is not an address, or too long (RFC 5321, 4.5.3.1).
    """
    canonical = _ascii_email(email) if email.isascii() else _unicode_email(email)
    if canonical is None:
        raise ValidationException.of("email", "This is not a valid e-mail address.")
    return canonical


def _ascii_email(email: str) -> str | None:
    local, at, domain = email.lower().rpartition("@")
    if (
        not at
        or len(email) > EMAIL_MAX_LENGTH
        or len(local) > _EMAIL_MAX_LOCAL_OCTETS
        or not _LOCAL_PART.fullmatch(local)
    ):
        return None
    if not _ASCII_DOMAIN.fullmatch(domain):
        return None
    if "xn--" in domain:  # an A-label has to be one: its Unicode form must lead back to it
        return _unicode_email(email)
    return f"{local}@{domain}"


def _unicode_email(email: str) -> str | None:
    if len(email) > EMAIL_MAX_LENGTH or _SURROGATES.search(email):
        return None
    local, at, domain = unicodedata.normalize("NFKC", email).rpartition("@")
    local = unicodedata.normalize("NFKC", local.casefold())
    if not at or not _LOCAL_PART.fullmatch(local) or len(local.encode()) > _EMAIL_MAX_LOCAL_OCTETS:
        return None
    import idna  # noqa: PLC0415 - likewise, at the first domain that is not

    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
    canonical = f"{local}@{ascii_domain}"
    if len(ascii_domain) > _EMAIL_MAX_DOMAIN_OCTETS or len(canonical.encode()) > EMAIL_MAX_LENGTH:
        return None
    return canonical if _ASCII_DOMAIN.fullmatch(ascii_domain) else None


def canonical_login(login: str) -> Login | None:
    """Return what ``login`` names, a username or (with an ``@``) an e-mail address; None when it can be neither."""
    try:
        if "@" in login:
            return Login("email", canonical_email(login))
        return Login("username", canonical_username(login))
    except ValidationException:
        return None


def canonical_role_name(name: str) -> str:
    """Return the role name in lower case.

    Raises:
        ValidationException: It is not of the form ``[a-z0-9][a-z0-9_.:-]{0,63}``.
    """
    canonical = name.lower()
    if not _ROLE_NAME.fullmatch(canonical):
        raise ValidationException.of(
            "name", "A role name has 1 to 64 letters, digits or _ . : - and begins with a letter or digit."
        )
    return canonical
