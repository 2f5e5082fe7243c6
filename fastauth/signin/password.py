"""Sign-in by username or e-mail address, and password."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Generic

from pydantic import BaseModel, Field, SecretStr

from fastauth.core.exceptions import CredentialsException, InactiveUserException
from fastauth.core.identity import canonical_login
from fastauth.core.models import Account, U
from fastauth.core.passwords import Passwords
from fastauth.core.protocols import UserStore


class PasswordCredentials(BaseModel):
    """What ``POST /token`` takes, in the form of OAuth2's password flow."""

    username: str = Field(min_length=1, description="A username or an e-mail address.")
    password: SecretStr = Field(min_length=1)


class PasswordSignIn(Generic[U]):
    """Proves an account by its password.

    Args:
        store: Where users are kept.
        passwords: Compares, with a decoy for unknown users.
    """

    name = "password"
    credentials: type[BaseModel] = PasswordCredentials

    def __init__(self, store: UserStore[U], passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    def place(self) -> AbstractContextManager[None]:
        """Let pass who would not wait for too long; entered before an attempt is counted or anybody looked up.

        Raises:
            OverloadedException: Too many passwords are waiting or expected, whoever asks.
        """
        return self._passwords.place()

    async def authenticate(self, credentials: PasswordCredentials, /) -> Account[U]:
        """Return the account; a hash that was made with another cost or elsewhere is made anew on the way.

        Raises:
            CredentialsException: There is no such user, or the password is wrong: the same in words and in time.
            InactiveUserException: The account is disabled; said only to who has the right password.
            OverloadedException: Too many passwords are waiting.
        """
        password = credentials.password.get_secret_value()
        login = canonical_login(credentials.username)
        account = await self._store.find_user(login) if login is not None else None
        account, new_hash = await self._verify(account, password)
        if new_hash is None:
            return account
        if await self._store.replace_password(account.id, old_hash=account.hashed_password, new_hash=new_hash):
            return replace(account, hashed_password=new_hash)
        # Another sign-in upgraded the hash first, or the password was changed: only the hash of now can tell.
        account, _ = await self._verify(await self._store.get_user(account.id), password)
        return account

    async def _verify(self, account: Account[U] | None, password: str) -> tuple[Account[U], str | None]:
        verification = await self._passwords.verify(password, account.hashed_password if account is not None else None)
        if account is None or not verification.ok:
            raise CredentialsException
        if account.disabled:
            raise InactiveUserException
        return account, verification.new_hash
