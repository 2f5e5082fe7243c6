"""The key, production mode, cookies, debug, proxies, and the files that hold secrets."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from fastauth.cli.doctor.diagnosis import Diagnosis, in_two, ok, problem, warning
from fastauth.cli.finding import Found, Report
from fastauth.cli.keys import key_of
from fastauth.cli.target import Target
from fastauth.core.exceptions import ConfigurationError
from fastauth.options import PRODUCTION

_MAKE_ONE = "make one with: fastauth secret --env >> .env"
_SECRET_FILES = (Path(".env"), Path(".fastauth") / "secret_key")


def check_key(on: Target, report: Report, said: Sequence[str]) -> Iterator[Diagnosis]:
    """Ask how strong the key is, and where it came from.

    Args:
        on: The target.
        report: What its source says.
        said: What the library warned of while it was set up.
    """
    key = on.key or next(iter(report.secrets), None)
    in_production = on.auth.production
    bad = problem if in_production else warning
    if on.key is not None:
        yield _judged(on.key, production=in_production)
    elif on.app_path is None:
        yield bad("Secret key", "none was found, and production refuses to start without one", _MAKE_ONE)
        return
    # The app keeps its key to itself; the library has judged it while it was set up.
    elif any("kept in" in line for line in said):
        yield warning("Secret key", "none is set; one is kept in .fastauth/secret_key for development", _MAKE_ONE)
        return
    elif any("guessable" in line for line in said):
        yield bad("Secret key", "the app's key is guessable; who guesses it signs in as anyone", _MAKE_ONE)
    else:
        yield ok("Secret key", "the app's key is long enough and not guessable")
    if key is not None:
        yield _origin(key)


def _judged(key: Found, *, production: bool) -> Diagnosis:
    bad = problem if production else warning
    try:
        judged = key_of(key.value)
    except ConfigurationError as error:
        return problem("Secret key", *in_two(error.message))
    if judged.weakness is not None:
        return bad("Secret key", f"{judged.weakness}; who guesses it signs in as anyone", _MAKE_ONE)
    if judged.public_jwk is not None:
        return ok("Secret key", f"a private key for {judged.algorithm}; the app has to name the algorithm")
    return ok("Secret key", f"{len(key.value.encode())} bytes, and not guessable")


def _origin(key: Found) -> Diagnosis:
    if key.source.endswith(".py"):
        why = f"it stands in the source, at {key.place}: whoever reads the repository has it"
        return warning("Key's place", why, "move it to the environment as FASTAUTH_SECRET_KEY, and make a new one")
    if key.source.startswith("--"):
        return warning(
            "Key's place", "it came by argv, which other users of this machine can read", "set FASTAUTH_SECRET_KEY"
        )
    return ok("Key's place", key.place)


def check_mode(on: Target, report: Report) -> Iterator[Diagnosis]:
    """Ask whether production mode, cookies, debug and proxies fit together."""
    in_production = on.auth.production
    wanted = os.environ.get("FASTAUTH_ENV", "").lower() in PRODUCTION
    written = {option.name: option for option in reversed(report.options)}
    production = written.get("production")
    if in_production:
        yield ok("Mode", "production: strict about keys, passwords and cookies")
    elif wanted and production is not None:
        why = f"{production.source}:{production.line} says production={production.value} and overrules FASTAUTH_ENV"
        yield problem("Mode", why, "leave production=... out of the source")
    else:
        yield warning(
            "Mode",
            "development: weak keys and short passwords are let through",
            "set FASTAUTH_ENV=production where it is deployed",
        )
    secure = written.get("secure_cookies")
    if secure is not None and secure.value == "False":
        bad = problem if in_production else warning
        why = f"{secure.source}:{secure.line} says secure_cookies=False: tokens travel in the clear"
        yield bad("Cookies", why, "leave it out: on http://localhost it is left out by itself")
    else:
        yield ok("Cookies", "Secure, where they are used")
    if on.app is not None:
        yield from _check_app(on.app, in_production)
    yield from _check_proxy(in_production)


def _check_app(app: FastAPI, in_production: bool) -> Iterator[Diagnosis]:
    if app.debug:
        bad = problem if in_production else warning
        yield bad(
            "Debug", "FastAPI(debug=True) shows tracebacks, with their values, to every client", "leave debug out"
        )
    else:
        yield ok("Debug", "off")
    for middleware in app.user_middleware:
        options: dict[str, Any] = dict(middleware.kwargs)
        is_cors = getattr(middleware.cls, "__name__", "") == CORSMiddleware.__name__
        if is_cors and options.get("allow_credentials") and "*" in options.get("allow_origins", ()):
            yield problem(
                "CORS",
                "allow_origins=['*'] with allow_credentials=True lets every site act with the user's cookies",
                "name the origins of your own pages",
            )


def _check_proxy(in_production: bool) -> Iterator[Diagnosis]:
    trusted = os.environ.get("FORWARDED_ALLOW_IPS")
    if trusted is not None and "*" in trusted.split(","):
        bad = problem if in_production else warning
        yield bad(
            "Proxy",
            "FORWARDED_ALLOW_IPS=* believes every client's own word about its address and scheme",
            "set it to the address of your proxy",
        )
    elif trusted:
        yield ok("Proxy", f"forwarded headers are believed from {trusted}")
    elif in_production:
        yield warning(
            "Proxy",
            "FORWARDED_ALLOW_IPS is not set: behind a proxy elsewhere, the app sees http and the proxy's address",
            "set it to the address of your proxy, or start the server with --forwarded-allow-ips",
        )


def check_files() -> Iterator[Diagnosis]:
    """Ask whether others can read the files that hold secrets."""
    for path in _SECRET_FILES:
        if not path.is_file():
            continue
        mode = path.stat().st_mode
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            yield warning(str(path), f"other users can read it (mode {stat.S_IMODE(mode):04o})", f"chmod 600 {path}")
        else:
            yield ok(str(path), "readable by you alone")
