"""What may become a password: its length, what everybody guesses, the account's own names, and breaches."""

import hashlib
import logging
import unicodedata
from typing import Any

import anyio
import pytest

from fastauth.core import password_policy
from fastauth.core.exceptions import ValidationException, WeakPasswordException
from fastauth.core.password_policy import PasswordPolicy, common_passwords
from fastauth.core.settings import PasswordSettings

GOOD = "correct horse battery"
BREACHED = hashlib.sha1(GOOD.encode()).hexdigest().upper()


def policy(*, production: bool = False, **options: Any) -> PasswordPolicy:
    return PasswordPolicy(PasswordSettings(**options), production=production)


def verdict(judge: PasswordPolicy, password: str, **account: str) -> str | None:
    """Return what is wrong with a password, as the stable type of the error."""
    try:
        judge.check(password, **account)
    except ValidationException as error:
        return error.details[0]["type"]
    return None


@pytest.mark.parametrize(
    ("password", "production", "expected"),
    [
        ("aabbcca", False, "password_too_short"),
        ("aabbccaa", False, None),
        ("aabbccaabbccaa", True, "password_too_short"),
        ("aabbccaabbccaab", True, None),
        ("", False, "password_too_short"),
        ("e\u0301a" * 7, True, "password_too_short"),  # 21 code points before NFC
        ("e\u0301a" * 8, True, None),
        ("ab" * 512, True, None),
        ("\U0001f600a" * 512, True, None),
        ("\u03b1\u0313\u0300\u0345a" * 512, True, None),  # four code points and one: two characters
        ("ab" * 512 + "c", True, "password_too_long"),
        ("e\u0301a" * 513, True, "password_too_long"),
        ("ab" * 5_000_000, True, "password_too_long"),
        ("\0a" * 8, True, None),
        ("\x07\x1b\x7f and twelve more", True, None),
        ("пароль от всего на свете", True, None),
        ("half a pair \ud83d of surrogates", True, "value_error"),
        ("\udc00", False, "value_error"),
    ],
)
def test_a_password_is_judged_by_its_length_in_characters(
    password: str, production: bool, expected: str | None
) -> None:
    """Eight characters, in production fifteen, and at most 1,024: in code points after NFC, of any kind."""
    assert verdict(policy(production=production), password) == expected


def test_a_length_that_was_set_holds_in_both_modes() -> None:
    """A minimum of the app's own replaces the one of either mode."""
    for production in (False, True):
        judge = policy(production=production, min_length=12)

        assert verdict(judge, "ab" * 5 + "c") == "password_too_short"
        assert verdict(judge, "ab" * 6) is None


@pytest.mark.parametrize(
    ("password", "reason", "message"),
    [
        ("hunter2", "too_short", "at least 8 characters"),
        ("ab" * 600, "too_long", "at most 1024 characters"),
        ("password1", "common", "first that are guessed"),
        ("ada lovelace", "personal", "your name, your address or the name of this service"),
    ],
)
def test_a_weak_password_says_which_rule_it_breaks(password: str, reason: str, message: str) -> None:
    """The reason is there for programs and for people, and the password is nowhere in it."""
    with pytest.raises(WeakPasswordException, match=message) as caught:
        policy().check(password, username="Ada Lovelace")
    assert caught.value.reason == reason
    assert caught.value.details[0]["loc"] == ["body", "password"]
    assert password not in repr(caught.value) + repr(caught.value.details)


def test_half_a_surrogate_pair_is_no_matter_of_strength() -> None:
    """What is no Unicode is refused as a value that does not fit, not as a weak password."""
    with pytest.raises(ValidationException) as caught:
        policy().check("\ud800" * 20)
    assert not isinstance(caught.value, WeakPasswordException)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("aaaaaaaaaaaaaaa", "password_blocked"),
        ("               ", "password_blocked"),
        ("12345678901234567890", "password_blocked"),
        ("345678901234567", "password_blocked"),
        ("987654321098765", "password_blocked"),
        ("ABCDEFGHIJKLMNOP", "password_blocked"),
        ("qwertyuiopasdfgh", "password_blocked"),
        ("asdfghjklasdfghjkl", "password_blocked"),
        ("mnbvcxzlkjhgfdsa", "password_blocked"),
        ("aaaaaaaaaaaaaaab", None),
        ("qwertyuiopasdfgi", None),
        ("12345678901234568", None),
        ("\U0001f600" * 15, None),
    ],
)
def test_a_straight_line_is_as_common_as_it_is_long(password: str, expected: str | None) -> None:
    """One character again and again, and a run along a keyboard, the digits or the alphabet, are on no list."""
    assert verdict(policy(production=True), password) == expected


def test_the_shipped_list_is_in_the_form_in_which_it_is_compared() -> None:
    """Every entry is long enough to matter, in NFC, case-folded, and no line of the file's head."""
    entries = common_passwords()

    assert 16_000 < len(entries) < 20_000
    assert all(len(entry) >= 8 and entry == entry.strip() for entry in entries)
    assert all(unicodedata.normalize("NFC", entry.casefold()) == entry for entry in entries)


def test_words_of_the_apps_own_are_refused_in_any_case() -> None:
    """What the app blocks is compared as a whole, in NFC and case-folded."""
    judge = policy(blocklist={"Straße der Besten", "caf\u00e9 central"})

    assert verdict(judge, "STRASSE DER BESTEN") == "password_blocked"
    assert verdict(judge, "cafe\u0301 Central") == "password_blocked"
    assert verdict(judge, "caf\u00e9 central 12") is None


def test_the_blocklist_stays_out_of_the_settings_representation() -> None:
    """A list of the words that a company's people use for passwords is nothing to log."""
    assert "our-first-office" not in repr(PasswordSettings(blocklist={"our-first-office"}))


async def test_only_five_digits_of_a_digest_leave_the_house() -> None:
    """A range query names the first five digits of the SHA-1, and the password and the rest stay here."""
    asked: list[str] = []

    async def answer(prefix: str) -> str:
        asked.append(prefix)
        return ""

    await policy(breach_check=answer).judge(GOOD)

    assert asked == [BREACHED[:5]]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"{BREACHED[5:]}:3", "breached"),
        (f"{'0' * 35}:9\r\n{BREACHED[5:]}:1\r\n{'F' * 35}:2", "breached"),
        (f"{BREACHED[5:].lower()}:3\n", "breached"),
        ("", None),
        (f"{'0' * 35}:9", None),
        (f"{BREACHED[5:]}:0", None),  # padding
        (f"{BREACHED[5:-1]}:3", None),
    ],
)
async def test_a_password_from_a_breach_is_refused(answer: str, reason: str | None) -> None:
    """A digest that the range answer names is refused, unless its count says that it is padding."""

    async def ask(_: str) -> str:
        return answer

    try:
        await policy(breach_check=ask).judge(GOOD)
    except WeakPasswordException as error:
        found = (error.reason, error.details[0]["type"])
    else:
        found = None

    assert found == ((reason, f"password_{reason}") if reason else None)


async def test_a_digest_is_made_of_the_form_that_is_hashed() -> None:
    """However it is spelled, a password is looked up in NFC."""
    digest = hashlib.sha1("caf\u00e9 au lait".encode()).hexdigest().upper()

    async def ask(prefix: str) -> str:
        return f"{digest[5:]}:1" if prefix == digest[:5] else ""

    with pytest.raises(WeakPasswordException):
        await policy(breach_check=ask).judge("cafe\u0301 au lait")


async def raises(_: str) -> str:
    raise ConnectionError(f"GET https://range.example/{BREACHED[:5]} failed")


async def hangs(_: str) -> str:
    await anyio.sleep_forever()
    raise AssertionError


async def answers_nonsense(_: str) -> str:
    return f"{BREACHED[5:]}:many"


async def answers_bytes(_: str) -> Any:
    return b"\x00:1"


@pytest.mark.parametrize("ask", [raises, hangs, answers_nonsense, answers_bytes])
async def test_a_service_that_is_down_locks_nobody_out(
    ask: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer the password is accepted, with one warning that says so and gives nothing of it away."""
    monkeypatch.setattr(password_policy, "_BREACH_TIMEOUT", 0.01)

    with caplog.at_level(logging.DEBUG, "fastauth"):
        await policy(breach_check=ask).judge(GOOD)

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "accepted without it" in record.message
    assert BREACHED[:5] not in caplog.text


async def test_nobody_asks_about_a_password_that_is_refused_anyway() -> None:
    """What the policy refuses by itself is not looked up elsewhere."""
    with pytest.raises(WeakPasswordException, match="at least"):
        await policy(breach_check=raises).judge("short")
