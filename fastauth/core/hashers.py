"""bcrypt, without its 72-byte trap: the format of new hashes, and the ones made elsewhere."""

import base64
import hashlib
import hmac
import re
import secrets

import bcrypt

_BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT = r"[./A-Za-z0-9]{21}[.Oeu]"  # 128 bits: the last character holds two of them, and bcrypt refuses more
_DIGEST = r"[./A-Za-z0-9]{31}"
_WRAPPED = re.compile(rf"\$bcrypt-sha256\$v=2,t=2b,r=(?P<cost>[0-9]{{1,2}})\$(?P<salt>{_SALT})\$(?P<digest>{_DIGEST})")
_PLAIN = re.compile(rf"\$2[aby]\$(?P<cost>[0-9]{{2}})\${_SALT}{_DIGEST}")
_BCRYPT_READS = 72


class BcryptHasher:
    """Makes and verifies passlib's ``$bcrypt-sha256$`` v2 hashes, and verifies plain ``$2a$``, ``$2b$``, ``$2y$`` ones.

    bcrypt reads 72 bytes. A new hash is therefore bcrypt of ``base64(HMAC-SHA-256(key=salt, password))``, 44 ASCII
    bytes for any password, so that every byte of a long one counts. A plain hash is compared as its maker made it, cut
    at 72 bytes, and should be made anew after the right password.

    Args:
        cost: The work factor of new hashes, the base-2 logarithm of the rounds, 4 to 31.
    """

    def __init__(self, cost: int) -> None:
        self.cost = cost

    def recognizes(self, stored: str) -> bool:
        """Say whether ``stored`` is a bcrypt hash, wrapped or plain."""
        match = _WRAPPED.fullmatch(stored) or _PLAIN.fullmatch(stored)
        return match is not None and 4 <= int(match["cost"]) <= 31

    def hash(self, password: str) -> str:
        """Return a new ``$bcrypt-sha256$`` hash with a fresh salt."""
        salt = bcrypt.gensalt(self.cost)[-22:].decode("ascii")
        return self._wrapped(password, self.cost, salt)

    def verify(self, password: str, stored: str) -> bool:
        """Say whether the password made this hash, in a time that does not depend on the answer."""
        wrapped = _WRAPPED.fullmatch(stored)
        if wrapped is not None:
            made = self._wrapped(password, int(wrapped["cost"]), wrapped["salt"])
            return hmac.compare_digest(made, stored)
        cut = _utf8(password)[:_BCRYPT_READS]
        return hmac.compare_digest(bcrypt.hashpw(cut, stored.encode("ascii")), stored.encode("ascii"))

    def needs_rehash(self, stored: str) -> bool:
        """Say whether the hash is plain or of another cost."""
        wrapped = _WRAPPED.fullmatch(stored)
        return wrapped is None or int(wrapped["cost"]) != self.cost

    def decoy(self) -> str:
        """Return a well-formed hash of the same cost that no password makes."""
        # A random digest: that it is the digest of a password is as likely as guessing 184 bits.
        salt = bcrypt.gensalt(self.cost)[-22:].decode("ascii")
        digest = "".join(secrets.choice(_BCRYPT_ALPHABET) for _ in range(31))
        return f"$bcrypt-sha256$v=2,t=2b,r={self.cost}${salt}${digest}"

    @staticmethod
    def _wrapped(password: str, cost: int, salt: str) -> str:
        keyed = hmac.new(salt.encode("ascii"), _utf8(password), hashlib.sha256).digest()
        digest = bcrypt.hashpw(base64.b64encode(keyed), f"$2b${cost:02}${salt}".encode("ascii"))[-31:].decode("ascii")
        return f"$bcrypt-sha256$v=2,t=2b,r={cost}${salt}${digest}"


def _utf8(password: str) -> bytes:
    # A lone surrogate cannot come in over HTTP; whoever passes one from code gets a comparison, not a crash.
    return password.encode("utf-8", "surrogatepass")
