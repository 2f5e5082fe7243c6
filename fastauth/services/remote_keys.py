"""The public keys of another issuer: fetched within bounds, kept for a while, and fetched again when they change."""

import importlib
import logging
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import anyio

from fastauth.core.exceptions import ConfigurationError, KeysUnavailableException
from fastauth.core.jwks import read_key_set
from fastauth.core.keys import Key
from fastauth.core.verified_tokens import VerifiedTokens

logger: logging.Logger = logging.getLogger("fastauth")

MAX_DOCUMENT_BYTES = 256 * 1024
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")


class KeySet:
    """The keys of one document, and the tokens that have verified with them.

    Args:
        document: What was fetched.
        remembered_tokens: How many verified tokens are remembered as long as the document stays the same.
    """

    def __init__(self, document: bytes, *, remembered_tokens: int) -> None:
        self.document = document
        self.keys: dict[str, Key] = read_key_set(document)
        self.seen: VerifiedTokens = VerifiedTokens(remembered_tokens)


class RemoteKeys:
    """Keys by name, from a JWK Set at a URL.

    Args:
        url: Where the set is; ``https``, or ``http`` at a loopback address.
        max_age: How long a set is used before it is fetched again.
        keep_for: How long a set is used at most, when it cannot be fetched again.
        interval: How much time there is between two fetches at least, whatever names are asked for.
        timeout: How long a fetch may take in all.
        remembered_tokens: How many verified tokens are remembered.
        monotonic: The seconds that pass; for tests.

    Raises:
        ConfigurationError: The URL is not safe, or the HTTP client is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        max_age: timedelta,
        keep_for: timedelta,
        interval: timedelta,
        timeout: timedelta,
        remembered_tokens: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_url(url)
        try:
            self._http: Any = importlib.import_module("httpx2")
            importlib.import_module("jwt")  # which nothing has needed yet: not within the first request
        except ImportError as error:
            raise ConfigurationError("TokenVerifier needs an HTTP client: pip install 'fastauth[jwks]'") from error
        self._url = url
        self._max_age = max_age.total_seconds()
        self._keep_for = keep_for.total_seconds()
        self._interval = interval.total_seconds()
        self._timeout = timeout.total_seconds()
        self._remembered_tokens = remembered_tokens
        self._monotonic = monotonic
        self._set: KeySet | None = None
        self._fetched_at = self._tried_at = -float("inf")
        self._lock = anyio.Lock()

    def fresh(self) -> KeySet | None:
        """Return the set if it needs no fetching; None when it does, and when there is none."""
        return self._set if self._monotonic() - self._fetched_at < self._max_age else None

    async def find(self, kid: str) -> tuple[KeySet, Key | None]:
        """Return the set and its key of this name, None where it has none; fetches where that may help.

        A name that is not known makes for one fetch per interval at most, so that nobody can have us fetch at will.

        Raises:
            KeysUnavailableException: There are no keys, or none of this name, and none can be fetched now.
        """
        now = self._monotonic()
        usable = self._set if now - self._fetched_at < self._keep_for else None
        known = usable is not None and kid in usable.keys
        wanted = not known or now - self._fetched_at >= self._max_age
        # Who has a key does not wait for others who fetch.
        if wanted and now - self._tried_at >= self._interval and not (known and self._lock.statistics().locked):
            async with self._lock:
                if self._monotonic() - self._tried_at >= self._interval:
                    await self._fetch()
            usable = self._set if self._monotonic() - self._fetched_at < self._keep_for else None
        elif not known and self._lock.statistics().locked:
            async with self._lock:  # somebody is fetching: what comes may have the key
                usable = self._set if self._monotonic() - self._fetched_at < self._keep_for else None
        if usable is None or (kid not in usable.keys and self._tried_at > self._fetched_at):
            raise KeysUnavailableException(retry_after=max(1, round(self._interval)))
        return usable, usable.keys.get(kid)

    async def _fetch(self) -> None:
        self._tried_at = self._monotonic()
        try:
            with anyio.fail_after(self._timeout, shield=True):  # who asked may go away; others wait for it
                document = await self._download()
            if self._set is None or document != self._set.document:
                self._set = KeySet(document, remembered_tokens=self._remembered_tokens)
        except Exception as error:  # noqa: BLE001 - whatever comes, we go on with what we have
            logger.warning("The keys at %s cannot be had: %s", self._url, type(error).__name__)
        except BaseException:  # cancelled from outside of any scope: the next one tries at once
            self._tried_at = -float("inf")
            raise
        else:
            self._fetched_at = self._tried_at

    async def _download(self) -> bytes:
        document = bytearray()
        # Not compressed, so that the bytes we count are the bytes there are.
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with (
            self._http.AsyncClient(follow_redirects=False, timeout=self._timeout) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != 200 or response.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("no plain answer")
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > MAX_DOCUMENT_BYTES:
                    raise ValueError("too large")
        return bytes(document)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError("TokenVerifier(jwks_url=...) is no URL.") from None
    if port == 0 or not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigurationError("TokenVerifier(jwks_url=...) has a host, and neither a password nor a fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _LOOPBACK.fullmatch(host)):
        raise ConfigurationError(
            "TokenVerifier(jwks_url=...) must be https, or http at a loopback address: who can change the keys on "
            "their way can sign in as anyone."
        )
