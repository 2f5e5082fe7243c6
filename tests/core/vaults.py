"""A key that is kept elsewhere, in a place that can be out of reach."""

from fastauth.core.keys import Key
from tests.core.pems import P256, public_pem


class Vault:
    """Signs as a key management service does, unless it is away.

    Attributes:
        is_away: Whether nothing is signed at the moment.
    """

    def __init__(self) -> None:
        self.is_away = False
        self._key = Key.from_pem(P256)

    @property
    def key(self) -> Key:
        """The public half, which has its signatures made here."""
        return Key.from_pem(public_pem(P256), signer=self)

    async def sign(self, message: bytes, /) -> bytes:
        """Return the signature."""
        if self.is_away:
            raise OSError("the vault at 10.0.0.7 is sealed")
        return self._key.sign(message)
