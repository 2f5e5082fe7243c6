"""Claims of the app's own in access tokens."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, cast

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.models import Account, U
from fastauth.core.signing import RESERVED_CLAIMS

ClaimsHook = Callable[[Account[Any]], Any]


class TokenClaims(Generic[U]):
    """Asks the app what else an access token should say. It may add claims, and touch none of ours (ASVS 15.3.3)."""

    def __init__(self) -> None:
        self._hooks: list[ClaimsHook] = []

    def add(self, hook: ClaimsHook) -> None:
        """Ask this function, too: it takes the account and returns claims by name."""
        if not callable(cast("object", hook)) or len(inspect.signature(hook).parameters) != 1:
            raise ConfigurationError("A token_claims function takes the account, and nothing else.")
        self._hooks.append(hook)

    def __bool__(self) -> bool:
        return bool(self._hooks)

    async def of(self, account: Account[U] | None) -> Mapping[str, Any]:
        """Return the app's claims for an access token of this account; none for nobody.

        Raises:
            ConfigurationError: A claim is one of ours, or no JSON.
        """
        claims: dict[str, Any] = {}
        for hook in self._hooks if account is not None else ():
            made = hook(cast("Account[U]", account))
            own = await made if inspect.isawaitable(made) else made
            if not isinstance(own, Mapping):
                raise ConfigurationError("A token_claims function has to return claims by name, in a dict.")
            claims.update(cast("Mapping[str, Any]", own))
        taken = sorted(RESERVED_CLAIMS & claims.keys())
        if taken:
            raise ConfigurationError(f"A token_claims function may not set {', '.join(taken)}: that is ours to say.")
        try:
            json.dumps(claims, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigurationError("A token_claims function returned what is no JSON.") from error
        return claims
