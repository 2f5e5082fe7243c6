"""Sign-in by password: who gets in, what it costs, and what becomes of old hashes, on every store."""

import asyncio
from typing import Any

import bcrypt
import pytest

from fastauth import (
    Account,
    CredentialsException,
    FastAuth,
    InactiveUserException,
    PasswordSettings,
    Store,
)
from fastauth.core.hashers import BcryptHasher
from fastauth.signin.password import PasswordCredentials, PasswordSignIn
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.core.other_hashers import ScryptHasher, WatchedHasher
from tests.services.conftest import MakeAuth, memory_only
from tests.services.watched_store import WatchedStore

ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"


@pytest.fixture
def hasher() -> WatchedHasher:
    """A hasher that notes what is computed."""
    return WatchedHasher()


@pytest.fixture
async def auth(store: Store[Any], make_auth: MakeAuth, hasher: WatchedHasher) -> FastAuth[Any]:
    """A ``FastAuth`` on each store, whose hasher is watched."""
    auth = make_auth(store, passwords=PasswordSettings(hasher=hasher))
    await auth.initialize_db()
    return auth


@pytest.fixture
async def ada(auth: FastAuth[Any]) -> Account[Any]:
    """A registered user."""
    return await auth.accounts.register("ada", "ada@example.com", PASSWORD)


async def sign_in(auth: FastAuth[Any], login: str = "ada", password: str = PASSWORD) -> Account[Any]:
    """Return the account that the password proves."""
    method = PasswordSignIn(auth.store, auth.passwords)
    return await method.authenticate(PasswordCredentials(username=login, password=password))


async def give_hash(store: Store[Any], account: Account[Any], stored: str) -> None:
    assert await store.set_password(account.id, stored, now=ManualClock()())


def plain(prefix: str = "2b", password: str = PASSWORD) -> str:
    salt = bcrypt.gensalt(4).decode().replace("$2b$", f"${prefix}$")
    return bcrypt.hashpw(password.encode(), salt.encode()).decode()


async def test_the_right_password_proves_the_account_by_name_or_address(
    auth: FastAuth[Any], ada: Account[Any], hasher: WatchedHasher
) -> None:
    """Who has the password is let in under any spelling of name and address, at the cost of one hash each."""
    logins = ["ada", "ADA", "\uff21da", "ada@example.com", "Ada@Example.COM"]
    hasher.computed.clear()

    accounts = [await sign_in(auth, login) for login in logins]

    assert {account.id for account in accounts} == {ada.id}
    assert {account.hashed_password for account in accounts} == {ada.hashed_password}
    assert hasher.computed == ["verify"] * len(logins)


async def test_r_lg_5_every_failure_is_the_same_and_costs_one_hash(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any], hasher: WatchedHasher
) -> None:
    """Whatever is wrong, the answer is word for word the same, and exactly one hash was computed for it."""
    failures: list[tuple[str, str, str | None]] = [
        ("eve", PASSWORD, None),
        ("eve@example.com", PASSWORD, None),
        ("no name at all", PASSWORD, None),
        ("@", PASSWORD, None),
        ("x" * 100_000, PASSWORD, None),
        ("ada", "wrong password", None),
        ("ada", PASSWORD.upper(), None),
        ("ada", PASSWORD + " ", None),
        ("ada", "x" * 1025, None),
        ("ada", "x" * 100_000, None),
        ("eve", "x" * 100_000, None),
        ("ada", PASSWORD, ""),
        ("ada", PASSWORD, "!"),
        ("ada", PASSWORD, ARGON2),
        ("ada", PASSWORD, ScryptHasher().hash(PASSWORD)),
        ("ada", PASSWORD, "$bcrypt-sha256$v=2,t=2b,r=4$broken"),
        ("ada", PASSWORD, f"$2b$99${'a' * 53}"),
        ("ada", "wrong password", plain()),
        ("ada", "wrong password", BcryptHasher(5).hash(PASSWORD)),
        ("ada", "wrong password", BcryptHasher(4).decoy()),
    ]
    for login, password, stored in failures:
        if stored is not None:
            await give_hash(store, ada, stored)
        hasher.computed.clear()

        with pytest.raises(CredentialsException) as caught:
            await sign_in(auth, login, password)

        assert (caught.value.message, caught.value.args) == (
            "Incorrect username or password.",
            ("Incorrect username or password.",),
        )
        assert hasher.computed == ["verify"], (login[:20], password[:20], stored)


async def test_a_disabled_account_is_told_so_only_with_its_right_password(
    auth: FastAuth[Any], ada: Account[Any], hasher: WatchedHasher
) -> None:
    """That an account is disabled is no news for who does not have its password, nor faster or slower."""
    await auth.accounts.disable(ada.id)

    for password, error in (("wrong password", CredentialsException), (PASSWORD, InactiveUserException)):
        hasher.computed.clear()
        with pytest.raises(error):
            await sign_in(auth, password=password)
        assert hasher.computed == ["verify"]


async def test_a_plain_hash_is_made_anew_once(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any], hasher: WatchedHasher
) -> None:
    """A plain bcrypt hash opens, becomes one in which every byte counts, and is left alone from then on."""
    for prefix in ("2a", "2b", "2y"):
        await give_hash(store, ada, plain(prefix))
        hasher.computed.clear()

        first = await sign_in(auth)
        second = await sign_in(auth)

        assert first.hashed_password.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
        assert first.hashed_password == second.hashed_password == (await auth.accounts.get(ada.id)).hashed_password
        assert hasher.computed == ["verify", "hash", "verify"]
        assert (await auth.sessions.start(first)).session_id


async def test_a_hash_of_another_cost_is_made_anew_and_ends_no_session(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any]
) -> None:
    """A new form of the same password is no new password: who is signed in stays so."""
    await give_hash(store, ada, BcryptHasher(5).hash(PASSWORD))
    pair = await auth.sessions.start(await auth.accounts.get(ada.id))

    account = await sign_in(auth)

    assert "r=4$" in account.hashed_password
    assert (await auth.sessions.authenticate(pair.access_token)).id == ada.id


async def test_a_wrong_password_makes_no_hash_anew(auth: FastAuth[Any], ada: Account[Any], store: Store[Any]) -> None:
    """Only the right password, of an account that may sign in, replaces an old hash."""
    stored = plain()
    await give_hash(store, ada, stored)

    with pytest.raises(CredentialsException):
        await sign_in(auth, password="wrong password")
    await auth.accounts.disable(ada.id)
    with pytest.raises(InactiveUserException):
        await sign_in(auth)
    assert (await auth.accounts.get(ada.id)).hashed_password == stored


async def test_fifty_sign_ins_at_once_on_an_old_hash_all_succeed(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any]
) -> None:
    """However many make the hash anew at once, one of theirs stays, and everyone gets a session by it."""
    await give_hash(store, ada, plain())

    async def whole_sign_in() -> Account[Any]:
        account = await sign_in(auth)
        await auth.sessions.start(account)
        return account

    accounts = await asyncio.gather(*(whole_sign_in() for _ in range(50)))

    final = (await auth.accounts.get(ada.id)).hashed_password
    assert {account.hashed_password for account in accounts} == {final}
    assert await auth.passwords.verify(PASSWORD, final) == (True, None)
    assert len(await auth.sessions.list(ada.id)) == 50


@pytest.mark.parametrize("change", ["set_password", "disable", "delete"])
async def test_what_happens_while_a_hash_is_made_anew_counts(
    store: Store[Any], make_auth: MakeAuth, change: str
) -> None:
    """A new password, a disabling or a deletion at that moment is not undone, and nobody gets in past it."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    ada = await auth.accounts.create("ada", "ada@example.com", None, hashed_password=plain())
    arguments = [ada.id, "another password"] if change == "set_password" else [ada.id]
    watched.before["replace_password"] = lambda: getattr(auth.accounts, change)(*arguments)

    if change == "disable":
        with pytest.raises(CredentialsException):
            await auth.sessions.start(await sign_in(auth))
        return
    with pytest.raises(CredentialsException):
        await sign_in(auth)
    if change == "set_password":
        assert (await sign_in(auth, password="another password")).id == ada.id


async def test_who_signs_in_while_another_makes_the_hash_anew_gets_the_new_one(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Who comes second to an old hash is let in by the one that came first."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    ada = await auth.accounts.create("ada", "ada@example.com", None, hashed_password=plain())
    watched.before["replace_password"] = lambda: sign_in(auth)

    account = await sign_in(auth)

    assert account.hashed_password == (await auth.accounts.get(ada.id)).hashed_password
    assert account.hashed_password.startswith("$bcrypt-sha256$")


@memory_only
async def test_a_sign_in_asks_the_store_once(store: Store[Any], make_auth: MakeAuth) -> None:
    """One look-up for any outcome, and none for a login that can be nobody's."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    watched.calls.clear()

    await sign_in(auth)
    for login in ("ada", "eve", "not a name"):
        with pytest.raises(CredentialsException):
            await sign_in(auth, login, "wrong password")

    assert watched.calls == ["find_user"] * 3


@memory_only
async def test_a_hasher_of_the_apps_own_takes_over_at_the_sign_in(store: Store[Any], make_auth: MakeAuth) -> None:
    """With another hasher, bcrypt hashes still open and become its own, and new ones are its own at once."""
    before = make_auth(store)
    await before.accounts.register("ada", "ada@example.com", PASSWORD)
    after = make_auth(store, passwords=PasswordSettings(hasher=ScryptHasher()))

    account = await sign_in(after)
    eve = await after.accounts.register("eve", "eve@example.com", PASSWORD)

    assert account.hashed_password.startswith("$toy-scrypt$")
    assert eve.hashed_password.startswith("$toy-scrypt$")
    assert (await sign_in(after)).hashed_password == account.hashed_password
    with pytest.raises(CredentialsException):
        await sign_in(before)


def test_credentials_do_not_show_the_password() -> None:
    """The password is in no ``repr``, no text and no JSON of the credentials, and neither may be empty."""
    credentials = PasswordCredentials(username="ada", password=PASSWORD)

    for text in (repr(credentials), str(credentials), credentials.model_dump_json(), str(credentials.model_dump())):
        assert PASSWORD not in text
    for values in ({"username": "", "password": "x"}, {"username": "x", "password": ""}):
        with pytest.raises(ValueError, match="at least 1"):
            PasswordCredentials(**values)
