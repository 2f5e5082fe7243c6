"""Passwords: rows R-PW-* of the security requirements."""

import itertools
import random
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import anyio
import bcrypt
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import Account, ConfigurationError, FastAuth, WeakPasswordException
from fastauth.backends.memory import MemoryStore
from fastauth.core import hashers
from fastauth.core.hashers import BcryptHasher
from fastauth.core.password_policy import PasswordPolicy, common_passwords
from fastauth.core.passwords import Passwords
from fastauth.core.settings import PasswordSettings
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, client_of, register, sign_in
from tests.core.other_hashers import WatchedHasher
from tests.test_documents import snippets

Make = Callable[..., FastAuth[Any]]


@pytest.fixture
def auth(make_auth: Make) -> FastAuth[Any]:
    """In memory, and with the lengths of production: what is judged here is no store."""
    return make_auth(
        MemoryStore(), passwords=PasswordSettings(bcrypt_cost=4, min_length=15, service_name="The Example Shop")
    )


async def attempt(client: AsyncClient, password: str, username: str = "ada") -> Response:
    body = {"username": username, "email": f"{username}@example.com", "password": password}
    return await client.post("/register", json=body)


def refusal(answer: Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"][0]["type"]


async def opens(client: AsyncClient, password: str, username: str = "ada") -> bool:
    answer = await client.post("/token", data={"username": username, "password": password})
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def test_r_pw_1_fifteen_characters_in_production_and_never_fewer_than_eight(
    make_auth: Make,
) -> None:
    """By default production wants fifteen characters; a setting below eight is refused when it is made."""
    app = FastAPI()
    make_auth(MemoryStore(), production=True, passwords=PasswordSettings(bcrypt_cost=10)).setup(app)

    async with client_of(app) as client:
        short, long = await attempt(client, "fourteen chars"), await attempt(client, "fifteen charact")

    assert refusal(short) == (422, "FASTAUTH_WEAK_PASSWORD", "password_too_short")
    assert long.status_code == 201
    with pytest.raises(ConfigurationError, match="min_length"):
        PasswordSettings(min_length=7)


async def test_r_pw_2_code_points_are_counted(client: AsyncClient) -> None:
    """Fifteen emoji are fifteen characters, whatever bytes or UTF-16 units they take."""
    emoji = "\U0001f600\U0001f680\U0001f40d"

    assert refusal(await attempt(client, emoji * 4 + emoji[:2])) == (
        422,
        "FASTAUTH_WEAK_PASSWORD",
        "password_too_short",
    )
    assert (await attempt(client, emoji * 5)).status_code == 201


async def test_r_pw_3_long_passwords_of_any_script_count_to_the_last_character(client: AsyncClient) -> None:
    """Sixty-four emoji, 256 bytes, register and sign in; another last one does not."""
    password = "\U0001f600" * 64
    await register(client, password=password)

    assert await opens(client, password)
    assert not await opens(client, password[:-1] + "\U0001f680")


@pytest.mark.parametrize("length", [71, 72, 73, 100, 1024])
async def test_r_pw_4_no_byte_is_left_out(length: int) -> None:
    """Passwords that differ in their last byte only are two passwords, at every length around bcrypt's limit."""
    passwords = Passwords(PasswordSettings(bcrypt_cost=4), production=False)
    common = "x" * (length - 1)
    stored = {end: await passwords.hash(common + end) for end in "ab"}

    for typed, end in itertools.product("abA", "ab"):
        assert (await passwords.verify(common + typed, stored[end])).ok is (typed == end)


@pytest.mark.parametrize(
    "password", ["aaaaaaaaaaaaaaab", " " * 15 + "x", "lower case only", "1" * 14 + "2", "!!!!!!!?!!!!!!!"]
)
async def test_r_pw_5_no_composition_rules(client: AsyncClient, password: str) -> None:
    """Any mix of characters will do, spaces are kept as they are, and case counts."""
    await register(client, password=password)

    assert await opens(client, password)
    assert not await opens(client, f"{password} ")
    assert not await opens(client, password.strip().swapcase() + "!")


async def test_r_pw_6_nul_and_control_characters_do_not_shorten(client: AsyncClient) -> None:
    """What follows a NUL or another control character counts like everything else."""
    await register(client, password="abc\0def\x1bghi\x7fjkl\0mno")

    assert await opens(client, "abc\0def\x1bghi\x7fjkl\0mno")
    for other in ("abc", "abc\0xyz\x1bghi\x7fjkl\0mno", "abcdef\x1bghi\x7fjkl\0mno", "abc\0def\x1bghi\x7fjkl\0mnp"):
        assert not await opens(client, other)


async def test_r_pw_7_an_upper_bound_without_hashing(make_auth: Make) -> None:
    """1,024 characters are taken; one more is refused before anything is hashed, and a huge body before it is read."""
    hasher = WatchedHasher()
    app = FastAPI()
    make_auth(MemoryStore(), passwords=PasswordSettings(hasher=hasher)).setup(app)

    async with client_of(app) as client:
        longest = await attempt(client, "ab" * 512)
        computed = list(hasher.computed)
        longer = await attempt(client, "ab" * 512 + "c", "eve")
        huge = await attempt(client, "ab" * 5_000_000, "eve")

    assert longest.status_code == 201
    assert refusal(longer) == (422, "FASTAUTH_WEAK_PASSWORD", "password_too_long")
    assert huge.status_code == 413
    assert hasher.computed == computed == ["hash"]


async def test_r_pw_8_one_form_for_what_looks_the_same_and_nothing_else(client: AsyncClient) -> None:
    """Registered in NFD, opened in NFC; case, width and surrounding spaces are left alone."""
    await register(client, password="cafe\u0301 au lait, merci")

    assert await opens(client, "caf\u00e9 au lait, merci")
    for other in (
        "CAF\u00c9 AU LAIT, MERCI",
        "caf\u00e9 au lait, merci ",
        " caf\u00e9 au lait, merci",
        "cafe au lait, merci",
    ):
        assert not await opens(client, other)


async def test_r_pw_9_what_everybody_guesses_is_refused_whole_and_in_any_case() -> None:
    """Each entry of the shipped list is refused, in capitals too; a longer password that holds one is not."""
    policy = PasswordPolicy(PasswordSettings(), production=False)

    def refused(password: str) -> str | None:
        try:
            policy.check(password)
        except WeakPasswordException as error:
            return error.details[0]["type"]
        return None

    assert len(common_passwords()) >= 3000
    assert {refused(entry) for entry in common_passwords()} == {"password_blocked"}
    assert {refused(entry.upper()) for entry in common_passwords()} == {"password_blocked"}
    assert {refused(f"{entry}, or so") for entry in common_passwords()} == {None}


async def test_r_pw_9_the_accounts_own_names_are_refused_on_set_and_on_change(
    auth: FastAuth[Any], client: AsyncClient
) -> None:
    """Username, address, its local part and the service's name are no password, and the reason is given."""
    name, email = "ada.lovelace.1815", "countess.of.lovelace@example.com"
    account = await auth.accounts.register(name, email, PASSWORD)
    body = {"username": name, "email": email}

    for password, reason in (
        (name.upper(), "personal"),
        (email, "personal"),
        ("the example shop", "personal"),
        ("Countess.of.Lovelace", "personal"),
        ("1qaz2wsx3edc4rfv", "common"),
    ):
        answer = await client.post("/register", json={**body, "password": password})
        assert refusal(answer)[:2] == (422, "FASTAUTH_WEAK_PASSWORD")
        for change in (
            auth.accounts.set_password(account.id, password),
            auth.accounts.change_password(account.id, PASSWORD, password),
        ):
            with pytest.raises(WeakPasswordException) as caught:
                await change
            assert caught.value.reason == reason


async def test_r_pw_10_no_rotation_hints_or_questions(app: FastAPI, client: AsyncClient, clock: ManualClock) -> None:
    """A password does not age, and no route takes a hint or a secret question."""
    await register(client)
    clock.move(timedelta(days=730))

    document = str(app.openapi()).lower()

    assert (await sign_in(client))["token_type"] == "bearer"
    assert not re.search(r"hint|question|answer_to|rotat\w* password|password_age|expires_password", document)


async def test_r_pw_12_scheme_and_cost_are_stored_and_an_old_cost_is_upgraded_once(
    auth: FastAuth[Any], client: AsyncClient, make_auth: Make
) -> None:
    """The stored string says how it was made; fifty sign-ins at once with an old cost replace it exactly once."""
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    store: Any = auth.store
    replaced: list[bool] = []
    replace_password = store.replace_password

    async def counted(*args: Any, **kwargs: Any) -> bool:
        replaced.append(await replace_password(*args, **kwargs))
        return replaced[-1]

    store.replace_password = counted
    dearer = make_auth(store, passwords=PasswordSettings(bcrypt_cost=5))
    app = FastAPI()
    dearer.setup(app)
    async with client_of(app) as other, anyio.create_task_group() as sign_ins:
        for _ in range(50):
            sign_ins.start_soon(sign_in, other)
    upgraded = await auth.accounts.get(ada.id)

    assert ada.hashed_password.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert upgraded.hashed_password.startswith("$bcrypt-sha256$v=2,t=2b,r=5$")
    assert replaced.count(True) == 1


def test_r_pw_13_bcrypt_is_given_44_ascii_bytes_for_every_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the password, bcrypt reads all that it is given: the base64 of a digest, without a NUL."""
    given: list[bytes] = []

    def watched(password: bytes, _: bytes) -> bytes:
        given.append(password)
        return b"." * 60  # what bcrypt makes of it is not looked at, and takes its time

    monkeypatch.setattr(hashers.bcrypt, "hashpw", watched)
    hasher, dice = BcryptHasher(4), random.Random(13)
    passwords = ["", "\0", "a\0b", "\ud800", "x" * 72, "x" * 73, "\U0001f600" * 1024]
    passwords += ["".join(map(chr, dice.choices(range(0xD800), k=dice.randrange(1, 40)))) for _ in range(100_000)]
    passwords = list(dict.fromkeys(passwords))
    salt = bcrypt.gensalt(4)[-22:].decode()
    for password in passwords:
        hasher.verify(password, f"$bcrypt-sha256$v=2,t=2b,r=4${salt}${'.' * 31}")  # of one salt: none but they differ

    assert len(passwords) > 99_000
    assert len(set(given)) == len(passwords)
    assert all(re.fullmatch(rb"[A-Za-z0-9+/]{43}=", each) for each in given)


async def test_r_pw_14_a_pepper_outside_the_database_can_be_turned() -> None:
    """With the hasher of the docs, hashes of the pepper before and of none at all still open, and are made anew."""
    names: dict[str, Any] = {}
    for snippet in snippets("docs/passwords.md"):
        exec(compile(snippet, "docs/passwords.md", "exec"), names)
    peppered = names["Peppered"]

    def of(hasher: Any) -> Passwords:
        return Passwords(PasswordSettings(bcrypt_cost=4, hasher=hasher), production=False)

    old = peppered({"2025": b"first pepper"}, cost=4)
    new = peppered({"2026": b"second pepper", "2025": b"first pepper"}, cost=4)
    for stored in (await of(old).hash(PASSWORD), await of(None).hash(PASSWORD)):
        ok, again = await of(new).verify(PASSWORD, stored)
        assert ok
        assert again is not None
        assert again.startswith("$pepper$2026$")
        assert await of(new).verify(PASSWORD, again) == (True, None)
        assert await of(new).verify("wrong password", again) == (False, None)
    without = await of(peppered({"2026": b"another pepper"}, cost=4)).verify(PASSWORD, again)

    assert without == (False, None)


async def test_r_pw_16_no_default_accounts(make_auth: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a start nor ``initialize_db`` makes an account for which nobody has given a password."""
    for name in ("FASTAUTH_ADMIN_USERNAME", "FASTAUTH_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    auth = make_auth(MemoryStore())
    async with auth.lifespan(FastAPI()):
        await auth.initialize_db()
        await auth.initialize_db(admin_username="admin")

        accounts: Sequence[Account[Any]] = await auth.accounts.list()

    assert accounts == []
