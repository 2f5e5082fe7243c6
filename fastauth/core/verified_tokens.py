"""Tokens that have verified, remembered for a while: their bytes, key and algorithm do not change.

Only the work of the signature is spared. Sessions and accounts are read from the store every time, and the times of a
token are compared at every hit. A memory belongs to one ring of keys and ends with it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from threading import Lock
from typing import Any, NamedTuple

from fastauth.core.gate import Verified

_CHARACTERS_PER_TOKEN = 512


class _Remembered(NamedTuple):
    verified: Verified
    is_flat: bool


class VerifiedTokens:
    """A bounded memory of tokens for one purpose, by the whole token; the oldest are forgotten first.

    Args:
        size: How many tokens at most; zero remembers none. Together they have at most 512 characters for each.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._max_characters = size * _CHARACTERS_PER_TOKEN
        self._characters = 0
        self._tokens: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = Lock()

    def get(self, token: object, now: float) -> Mapping[str, Any] | None:
        """Return the claims of a token that has verified and holds now; a copy, the caller's own."""
        # The type first: a text of another class could hash and compare as it pleases.
        found = self._tokens.get(token) if type(token) is str else None
        if found is None or not found.verified.starts <= now < found.verified.ends:
            return None
        return dict(found.verified.claims) if found.is_flat else deepcopy(dict(found.verified.claims))

    def add(self, token: str, verified: Verified) -> None:
        """Remember a token that has just verified."""
        if len(token) > self._max_characters:
            return
        is_flat = not any(isinstance(value, (list, dict)) for value in verified.claims.values())
        own = verified._replace(claims=deepcopy(dict(verified.claims)))
        with self._lock:
            self._forget(token)
            self._tokens[token] = _Remembered(own, is_flat)
            self._characters += len(token)
            while len(self._tokens) > self._size or self._characters > self._max_characters:
                self._forget(next(iter(self._tokens)))

    def _forget(self, token: str) -> None:
        if self._tokens.pop(token, None) is not None:
            self._characters -= len(token)

    def __len__(self) -> int:
        return len(self._tokens)

    def __repr__(self) -> str:
        return f"VerifiedTokens({len(self)} of {self._size})"
