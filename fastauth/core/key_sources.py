"""Where keys come from: what the app gave, the environment, or in development a file."""

import logging
import os
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from fastauth.core.asymmetric import new_private_pem
from fastauth.core.checks import wrong_kind
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.key_material import HOW_TO_MAKE_ONE, MIN_BYTES, check_algorithm
from fastauth.core.keys import Key, KeyRing, SecretKey

logger: logging.Logger = logging.getLogger("fastauth")

_KEY_FILE = Path(".fastauth") / "secret_key"
_KINDS = (str, bytes, Key)
_ENVIRONMENT = ("FASTAUTH_SECRET_KEY", "SECRET_KEY")


def make_key_ring(secret_key: SecretKey | Sequence[SecretKey] | None, *, algorithm: str, production: bool) -> KeyRing:
    """Build the ring from what the app gave, or else from the environment, or else (in development) from a file.

    Args:
        secret_key: One key or several, newest first.
        algorithm: The algorithm of the keys that are given as text or bytes.
        production: Whether a missing or guessable key is refused.

    Raises:
        ConfigurationError: There is no key, or one that cannot be used.
    """
    check_algorithm(algorithm)
    origin = "secret_key"
    if secret_key is None:
        origin, secret_key = _from_environment() or _from_file(algorithm, production=production)
    given = _keys_of(secret_key)
    ring = KeyRing([key if isinstance(key, Key) else Key(key, algorithm=algorithm) for key in given], origin=origin)
    for key in ring:
        if key.weakness is None:
            continue
        if production:
            raise ConfigurationError(
                f"The secret key cannot be used in production: {key.weakness}. Make one with: {HOW_TO_MAKE_ONE}"
            )
        logger.warning("The secret key is guessable: %s. Production will refuse it.", key.weakness)
    return ring


def _keys_of(given: object) -> Sequence[SecretKey]:
    several = isinstance(given, Iterable) and not isinstance(given, _KINDS)
    keys: list[object] = list(cast("Iterable[object]", given)) if several else [given]
    for key in keys:
        if not isinstance(key, _KINDS):
            raise wrong_kind("secret_key", "a text, bytes or a Key, or a list of them", key)
    return cast("Sequence[SecretKey]", keys)


def _from_environment() -> tuple[str, str] | None:
    return next(((name, os.environ[name]) for name in _ENVIRONMENT if os.environ.get(name)), None)


def _from_file(algorithm: str, *, production: bool) -> tuple[str, str]:
    if production:
        how = HOW_TO_MAKE_ONE if algorithm in MIN_BYTES else "openssl genpkey (docs/keys.md has the arguments)"
        raise ConfigurationError(
            f"Production needs a secret key: pass secret_key=... or set {_ENVIRONMENT[0]}. Make one with: {how}"
        )
    symmetric = algorithm in MIN_BYTES
    path = _KEY_FILE if symmetric else _KEY_FILE.with_name(f"{algorithm.lower()}.pem")
    try:
        if not path.exists():
            _write_key_file(path, secrets.token_urlsafe(48) if symmetric else new_private_pem(algorithm))
        key = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"No secret key is set, and none can be kept in {path} ({error.strerror}): set {_ENVIRONMENT[0]}."
        ) from error
    logger.warning(
        "No secret key is set; using the one kept in %s for development. Set %s before you deploy.",
        path,
        _ENVIRONMENT[0],
    )
    return str(path), key


def _write_key_file(path: Path, key: str) -> None:
    # Written aside and linked into place: of several processes at once one wins, and nobody reads half a key.
    folder = path.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    descriptor, name = tempfile.mkstemp(dir=folder)  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key)
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
