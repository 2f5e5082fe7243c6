"""Base64url and JSON, read so strictly that a value has one spelling and one meaning (RFC 4648, 3.5; RFC 8259, 4)."""

import base64
import json
from typing import Any, NoReturn, cast


class UnreadableError(ValueError):
    """JSON that is not what was to be read; the text says why, and holds nothing of it."""


def b64(value: bytes) -> bytes:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def unb64(text: str) -> bytes:
    """Read base64url without padding.

    Raises:
        ValueError: It has padding, other characters, or unused bits that are not zero.
    """
    value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64(value) != text.encode("ascii"):
        raise ValueError("not the one spelling of these bytes")
    return value


def read_json_object(text: str) -> dict[str, Any]:
    """Read a JSON object in which no name is repeated.

    Raises:
        ValueError: It is no such object.
        RecursionError: It is too deep.
    """
    value: Any = _DECODER.decode(text)
    if type(value) is not dict:
        raise UnreadableError("not an object")
    return cast("dict[str, Any]", value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnreadableError("repeated name")
    return value


def _no_constant(name: str) -> NoReturn:
    raise UnreadableError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
