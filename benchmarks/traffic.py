"""What is asked of the apps: requests as bytes, made before they are timed where they can be."""

import itertools
import json
from collections import deque
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def request(method: str, path: str, *, body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    """Return a whole HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def addresses() -> Iterator[str]:
    """Give another client's address each time, as a proxy reports it, so that limits per client are as in life."""
    for number in itertools.count(1):
        yield f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Gets:
    """GET requests of one path, with these tokens in turn.

    Args:
        path: The path.
        tokens: Access tokens; none for a route without any.
    """

    def __init__(self, path: str, tokens: Sequence[str] = ()) -> None:
        bearers = [[f"Authorization: Bearer {token}"] for token in tokens] or [[]]
        self.next = itertools.cycle([request("GET", path, headers=bearer) for bearer in bearers]).__next__

    def answered(self, body: bytes) -> None:
        """Nothing follows from it."""


class Refreshes:
    """Refreshes of many sessions, each with its newest refresh token.

    Args:
        path: The path.
        tokens: One refresh token per session.
    """

    def __init__(self, path: str, tokens: Sequence[str]) -> None:
        self._path = path
        self._tokens = deque(tokens)
        self._asked: deque[str] = deque()
        self._addresses = addresses()

    def next(self) -> bytes:
        """Present the token that has waited longest."""
        token = self._tokens.popleft()
        self._asked.append(token)
        body = json.dumps({"refresh_token": token}).encode("ascii")
        headers = (f"Content-Type: {_JSON}", f"X-Forwarded-For: {next(self._addresses)}")
        return request("POST", self._path, body=body, headers=headers)

    def answered(self, body: bytes) -> None:
        """Keep the next token of the session; whoever does not rotate gets the old one again."""
        old = self._asked.popleft()
        self._tokens.append(json.loads(body).get("refresh_token") or old)


class SignIns:
    """Sign-ins of many people, each from an address of its own.

    Args:
        path: The path.
        logins: Who signs in.
        password: Everybody's.
    """

    def __init__(self, path: str, logins: Sequence[str], password: str) -> None:
        self._path = path
        bodies = [urlencode({"username": login, "password": password}).encode("ascii") for login in logins]
        self._bodies = itertools.cycle(bodies)
        self._addresses = addresses()

    def next(self) -> bytes:
        """Sign the next one in."""
        headers = (f"Content-Type: {_FORM}", f"X-Forwarded-For: {next(self._addresses)}")
        return request("POST", self._path, body=next(self._bodies), headers=headers)

    def answered(self, body: bytes) -> None:
        """Nothing follows from it."""


class Registrations:
    """Registrations of people who were not there before, each from an address of its own."""

    def __init__(self, path: str, password: str) -> None:
        self._path = path
        self._password = password
        self._numbers = itertools.count()
        self._addresses = addresses()

    def next(self) -> bytes:
        """Register somebody."""
        name = f"newcomer{next(self._numbers)}"
        body = json.dumps({"username": name, "email": f"{name}@example.com", "password": self._password})
        headers = (f"Content-Type: {_JSON}", f"X-Forwarded-For: {next(self._addresses)}")
        return request("POST", self._path, body=body.encode("ascii"), headers=headers)

    def answered(self, body: bytes) -> None:
        """Nothing follows from it."""
