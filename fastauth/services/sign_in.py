"""From credentials to a session, whichever way they prove who somebody is."""

from typing import Any, Generic

from pydantic import BaseModel

from fastauth.core.events import SignInFailed
from fastauth.core.exceptions import CredentialsException, InactiveUserException
from fastauth.core.identity import canonical_login
from fastauth.core.models import Account, TokenPair, U
from fastauth.core.protocols import SignInMethod, Store
from fastauth.services.events import Events, client_of_request
from fastauth.services.sessions import Sessions


class SignIn(Generic[U]):
    """Signs people in, and puts on record who could not.

    Args:
        store: Where the audit trail is kept.
        sessions: Begins the session.
        events: Tells the app and the audit trail.
    """

    def __init__(self, store: Store[U], sessions: Sessions[U], events: Events[U]) -> None:
        self._store = store
        self._sessions = sessions
        self._events = events

    async def by(self, method: SignInMethod[U, Any], credentials: BaseModel) -> TokenPair:
        """Begin the session of whoever the credentials prove.

        Args:
            method: The way to sign in.
            credentials: What it takes.

        Raises:
            CredentialsException: They prove nobody.
            InactiveUserException: They prove an account that is disabled.
        """
        try:
            account: Account[U] = await method.authenticate(credentials)
            client = client_of_request()
            return await self._sessions.start(account, user_agent=client.user_agent, ip=client.ip)
        except (CredentialsException, InactiveUserException) as error:
            # In canonical form, so that a search of the trail finds all spellings.
            login = canonical_login(str(getattr(credentials, "username", "")))
            named = login.value if login is not None else ""
            await self._events.record(self._events.make(SignInFailed, login=named, reason=error.code), self._store)
            raise
