"""A key as the environment has it: text that does not say which algorithm it is for."""

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.keys import Key

_PEM = "-----BEGIN "


def key_of(text: str) -> Key:
    """Return the key that the text is: a private key in PEM for its own algorithm, or else a secret for ``HS256``.

    Raises:
        ConfigurationError: It is weak, or no key that signs; the message says why.
    """
    if _PEM not in text:
        return Key(text)
    key = _of_pem(text)
    if key.use != "sign":
        raise ConfigurationError("A public key cannot sign: give the private key.")
    return key


def _of_pem(text: str) -> Key:
    try:
        return Key.from_pem(text)
    except ConfigurationError as error:
        try:
            return Key.from_pem(text, algorithm="RS256")  # an RSA key may be for PS256, and is judged alike
        except ConfigurationError:
            raise error from None
