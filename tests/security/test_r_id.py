"""Names and addresses: rows R-ID-* of the security requirements."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from fastauth import FastAuth, UserExistsException
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, register, sign_in


@pytest.fixture
def auth(make_auth: Callable[..., FastAuth[Any]]) -> FastAuth[Any]:
    """In memory: what is judged here is no store."""
    return make_auth(MemoryStore())


async def attempt(client: AsyncClient, username: str, email: str = "someone@example.com") -> Response:
    return await client.post("/register", json={"username": username, "email": email, "password": PASSWORD})


@pytest.mark.parametrize("spelled", ["Alice", "ALICE", "\uff21lice", "\uff21\uff2c\uff29\uff23\uff25"])
async def test_r_id_1_one_key_for_every_spelling_of_a_username(client: AsyncClient, spelled: str) -> None:
    """Case and width make no other user: one key, which every spelling opens."""
    user = await register(client, spelled, email="alice@example.com")

    assert user["username"] == "alice"
    assert (await attempt(client, "alice")).status_code == 409
    assert (await sign_in(client, "aLiCe"))["token_type"] == "bearer"


@pytest.mark.parametrize(
    "username", ["a\0b", "a\u202eb", "a\u200db", "a b", "a\tb", "\u263a", "\U0001f600", "a\u00a0b", "\u05d0a", ""]
)
async def test_r_id_1_no_spaces_controls_or_symbols_in_a_username(client: AsyncClient, username: str) -> None:
    """NUL, direction overrides, joiners, spaces, symbols, emoji and mixed directions are no part of a username."""
    assert (await attempt(client, username)).status_code == 422


async def test_r_id_2_names_are_unique_in_the_form_that_is_stored(
    store: Any, make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """In every store one canonical form is stored, compared and unique, for usernames and for addresses."""
    accounts = make_auth(store).accounts
    ada = await accounts.register("\uff21da", "Ada@B\u00fccher.example", PASSWORD)

    assert (ada.username, ada.email) == ("ada", "ada@xn--bcher-kva.example")
    for username, email in (("ADA", "other@example.com"), ("other", "ADA@xn--bcher-kva.example")):
        with pytest.raises(UserExistsException):
            await accounts.register(username, email, PASSWORD)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A@B.CO", "a@b.co"),
        ("a@xn--80ak6aa92e.com", "a@\u0430\u0440\u0440\u04cf\u0435.com"),
        ("\uff41@b.co", "a@b.co"),
        ("stra\u00dfe@b.co", "STRASSE@b.co"),
    ],
)
async def test_r_id_5_one_user_for_every_spelling_of_an_address(client: AsyncClient, one: str, other: str) -> None:
    """Case, width and the two forms of a domain make no other user."""
    await register(client, "ada", email=one)

    assert (await attempt(client, "eve", other)).status_code == 409
    assert (await sign_in(client, other))["token_type"] == "bearer"


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("x" * 64 + "@b.co", 201),
        ("x" * 65 + "@b.co", 422),
        ("\u00e9" * 32 + "@b.co", 201),
        ("\u00e9" * 33 + "@b.co", 422),
        ("a@" + ".".join(["b" * 61] * 4) + ".co", 201),
        ("x" * 64 + "@" + ".".join(["b" * 61] * 3) + ".co", 201),
        ("x" * 64 + "@" + ".".join(["b" * 61] * 3) + ".bbb.com", 422),
        ("a@" + "b" * 64 + ".co", 422),
    ],
)
async def test_r_id_5_the_limits_of_an_address_are_kept_in_octets(client: AsyncClient, email: str, status: int) -> None:
    """64 octets before the @, 63 in a label, 254 in all; one more is refused."""
    assert (await attempt(client, "ada", email)).status_code == status
