"""Signing keys: what is a key, where it comes from, and what production refuses."""

import hashlib
import hmac
import logging
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastauth.core import keys
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.keys import Key, KeyRing, make_key_ring

GIVEN = "kQ3vN8xW1rT6yU2pL9sD4fG7hJ0zX5cB-mA_eR2tY8w"  # never a key of anything
FIRST = "wS8eN2vK5xQ1zT7rU4yP0mD9fB3hJ6gC_lA-oI5tE2k"
SECOND = "Zx7Yb1Nq9Kd3Vw5Th2Rj8Mf4Lp6Gs0Ce_uA-iO3eU1y"
KEY_FILE = Path(".fastauth/secret_key")


@pytest.fixture(autouse=True)
def _empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key in the environment, and a folder of the test's own to work in."""
    monkeypatch.delenv("FASTAUTH_SECRET_KEY", raising=False)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def kids(*secrets: str) -> list[str]:
    return [Key(secret).kid for secret in secrets]


def ring_of(secret_key: object = None, *, algorithm: str = "HS256", production: bool = False) -> list[str]:
    """Return the names of the keys of the ring that is made."""
    return [key.kid for key in make_key_ring(secret_key, algorithm=algorithm, production=production)]


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_key_is_at_least_as_long_as_its_hash(algorithm: str, length: int) -> None:
    """A key of one byte less than RFC 7518 asks for is refused, and the message says how to make one."""
    assert Key("x" * length, algorithm=algorithm).algorithm == algorithm
    with pytest.raises(ConfigurationError, match=f"at least {length} bytes, and this one has {length - 1}.*secrets"):
        Key("x" * (length - 1), algorithm=algorithm)


def test_the_length_of_a_key_is_counted_in_bytes() -> None:
    """A text is a key by its UTF-8 bytes, and so the same key as these bytes."""
    assert Key("é" * 16).kid == Key("é".encode() * 16).kid


@pytest.mark.parametrize("algorithm", ["none", "None", "", "hs256", "RS256", "ES256", "EdDSA", "HS256,none"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    """A key has one of three algorithms, and above all is never of none."""
    with pytest.raises(ConfigurationError, match="is not supported; use one of HS256, HS384, HS512"):
        Key("x" * 64, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_key_signs_with_its_own_algorithm(algorithm: str) -> None:
    """The signature is the HMAC of RFC 7518, and another message does not have it."""
    key = Key(GIVEN * 2, algorithm=algorithm)

    signature = key.sign(b"message")

    assert signature == hmac.digest((GIVEN * 2).encode(), b"message", getattr(hashlib, f"sha{algorithm[2:]}"))
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", signature[:-1])
    assert not key.verify(b"message", b"")


def test_a_key_has_a_name_that_stays_and_does_not_give_it_away() -> None:
    """The name of a key is the same at every start, another for every key, and no plain hash of it."""
    key = Key(GIVEN)

    assert key.kid == Key(GIVEN).kid != Key(FIRST).kid
    assert not hashlib.sha256(GIVEN.encode()).hexdigest().startswith(key.kid)
    assert Key(GIVEN, kid="2031-05").kid == "2031-05"


def test_neither_key_nor_ring_shows_the_secret() -> None:
    """A ``repr`` has the name and the algorithm, and nothing of the key."""
    ring = KeyRing([Key(GIVEN, kid="one"), Key(FIRST.encode(), kid="two")])

    for text in (repr(ring), str(ring), f"{ring}", repr(ring.current), str(list(ring))):
        assert "one" in text
        assert GIVEN not in text
        assert FIRST not in text


def test_the_first_key_of_a_ring_is_the_current_one() -> None:
    """A ring is newest first: the first signs, and all are found by name."""
    first, second = Key(FIRST), Key(SECOND)
    ring = KeyRing([first, second])

    assert ring.current is first
    assert list(ring) == [first, second]
    assert [ring.get(first.kid), ring.get(second.kid), ring.get("other")] == [first, second, None]


def test_a_ring_has_a_key() -> None:
    """A ring of no keys is refused."""
    with pytest.raises(ConfigurationError, match="give at least one"):
        make_key_ring([], algorithm="HS256", production=False)


@pytest.mark.parametrize("ring", [[FIRST, FIRST], [Key(FIRST, kid="one"), Key(SECOND, kid="one")]])
def test_every_key_of_a_ring_has_a_name_of_its_own(ring: list[str | Key]) -> None:
    """A ring with two keys of one name is refused."""
    with pytest.raises(ConfigurationError, match="the same kid"):
        make_key_ring(ring, algorithm="HS256", production=False)


def test_keys_are_given_one_or_several_as_text_bytes_or_keys() -> None:
    """One key, several, as text, as bytes or made already: all end in a ring, in the order given."""
    assert ring_of(GIVEN) == ring_of(GIVEN.encode()) == ring_of([GIVEN]) == ring_of(Key(GIVEN)) == kids(GIVEN)
    assert ring_of([Key(FIRST, kid="one"), SECOND, GIVEN.encode()]) == ["one", *kids(SECOND, GIVEN)]


def test_the_algorithm_is_that_of_the_keys_that_are_no_keys_yet() -> None:
    """A text becomes a key for the algorithm asked for, and a key keeps its own."""
    ring = make_key_ring([GIVEN * 2, Key(FIRST)], algorithm="HS512", production=True)

    assert [key.algorithm for key in ring] == ["HS512", "HS256"]


@pytest.mark.parametrize("empty", ["", b"", [""]])
def test_an_empty_key_is_a_mistake_and_not_no_key(empty: object) -> None:
    """An empty key is refused in every mode; it never means that another may be looked for."""
    with pytest.raises(ConfigurationError, match="this one has 0"):
        ring_of(empty)


def test_a_given_key_comes_before_the_environment_and_ours_before_the_common_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The argument comes first, then ``FASTAUTH_SECRET_KEY``, then ``SECRET_KEY``, and then the file."""
    from_file = ring_of()
    monkeypatch.setenv("SECRET_KEY", SECOND)
    from_common = ring_of()
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", FIRST)
    from_ours = ring_of()

    assert ring_of(GIVEN) == kids(GIVEN)
    assert from_ours == kids(FIRST)
    assert from_common == kids(SECOND)
    assert from_file == kids(KEY_FILE.read_text())


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable that is set to nothing is passed over."""
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", "")
    monkeypatch.setenv("SECRET_KEY", SECOND)

    assert ring_of() == kids(SECOND)


def test_production_takes_its_key_from_the_environment_and_makes_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key in the environment production starts, and leaves nothing behind."""
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", FIRST)

    assert ring_of(production=True) == kids(FIRST)
    assert list(Path().iterdir()) == []


def test_production_refuses_to_start_without_a_key() -> None:
    """Without a key production refuses, says what to do, and makes no file."""
    with pytest.raises(ConfigurationError, match=r"Production needs a secret key.*FASTAUTH_SECRET_KEY"):
        ring_of(production=True)
    assert list(Path().iterdir()) == []


def test_production_does_not_use_the_key_file_of_development() -> None:
    """A key file that lies about from development is no key for production."""
    ring_of()

    with pytest.raises(ConfigurationError, match="Production needs a secret key"):
        ring_of(production=True)


def test_development_keeps_a_key_in_a_file_that_only_its_owner_reads() -> None:
    """The key file has mode 0600, its folder 0700, and git is told to leave both alone."""
    first = ring_of()
    second = ring_of()

    assert first == second == kids(KEY_FILE.read_text())
    assert stat.S_IMODE(KEY_FILE.stat().st_mode) == 0o600
    assert stat.S_IMODE(KEY_FILE.parent.stat().st_mode) == 0o700
    assert (KEY_FILE.parent / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in KEY_FILE.parent.iterdir()) == [".gitignore", "secret_key"]


def test_the_key_of_the_file_is_good_enough_for_every_algorithm() -> None:
    """A key that was made once is long enough for HS512, and nothing about it is guessable."""
    assert ring_of(algorithm="HS512") == ring_of(algorithm="HS256")
    assert Key(KEY_FILE.read_text()).weakness is None


def test_there_is_one_warning_and_it_does_not_show_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """The start with a key file warns once, names the file and the variable, and shows nothing of the key."""
    with caplog.at_level(logging.DEBUG):
        ring_of()

    [record] = caplog.records
    assert (record.name, record.levelno) == ("fastauth", logging.WARNING)
    assert "secret_key" in record.getMessage()
    assert "FASTAUTH_SECRET_KEY" in record.getMessage()
    assert KEY_FILE.read_text() not in caplog.text


def test_eight_starts_at_once_end_with_one_key() -> None:
    """Of workers that start at the same moment one makes the key, and all use it."""
    for attempt in range(20):
        folder = Path(f"{attempt}")
        folder.mkdir()
        os.chdir(folder)
        start = threading.Barrier(8)

        def begin(_: int, start: threading.Barrier = start) -> list[str]:
            start.wait()
            return ring_of()

        with ThreadPoolExecutor(8) as pool:
            rings = list(pool.map(begin, range(8)))

        assert rings == [kids(KEY_FILE.read_text())] * 8
        assert sorted(path.name for path in KEY_FILE.parent.iterdir()) == [".gitignore", "secret_key"]
        os.chdir("..")


def test_who_comes_second_keeps_the_key_of_who_came_first() -> None:
    """A worker that finds the file made under its hands leaves it as it is, and leaves nothing of its own."""
    ring_of()
    key = KEY_FILE.read_text()

    keys._write_key_file()

    assert KEY_FILE.read_text() == key
    assert sorted(path.name for path in KEY_FILE.parent.iterdir()) == [".gitignore", "secret_key"]


def test_a_folder_that_cannot_be_written_says_what_to_do() -> None:
    """Where no file can be kept the error names the variable to set instead."""
    Path(".fastauth").write_text("in the way")

    with pytest.raises(ConfigurationError, match=r"none can be kept in .*: set FASTAUTH_SECRET_KEY"):
        ring_of()


WEAK = {
    "changeme-changeme-changeme-changeme": "placeholder",
    "your-256-bit-secret-goes-here-please": "placeholder",
    "My_SECRET_key_of_the_year_two_thousand": "placeholder",
    "an-Example-from-the-documentation-page": "placeholder",
    "hunter2-Password-hunter2-hunter2-hunter2": "placeholder",
    "a" * 32: "repeat too much",
    "ab" * 32: "repeat too much",
    "0123456789" * 4: None,
    GIVEN: None,
    "9c1f4be27a803d56e2b7f0c4815a6d3e": None,
}


@pytest.mark.parametrize(("secret", "weakness"), WEAK.items())
def test_a_guessable_key_is_refused_in_production_and_warned_of_before(
    secret: str, weakness: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A placeholder or a key of few characters works in development with a warning, and in production not at all."""
    with caplog.at_level(logging.DEBUG):
        assert ring_of([GIVEN + "-", secret]) == kids(GIVEN + "-", secret)

    if weakness is None:
        assert not caplog.records
        assert ring_of(secret, production=True) == kids(secret)
        return
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert weakness in caplog.text
    assert secret not in caplog.text
    with pytest.raises(ConfigurationError, match=weakness) as caught:
        ring_of([GIVEN, secret], production=True)
    assert secret not in str(caught.value)


def test_a_key_of_random_bytes_is_no_text_and_no_weakness() -> None:
    """Random bytes that are no UTF-8 are as good a key as any."""
    assert Key(bytes(range(128, 192))).weakness is None


def test_no_error_about_a_key_shows_it() -> None:
    """A key that is too short is not in the message that says so."""
    with pytest.raises(ConfigurationError) as caught:
        ring_of("rather-short")

    assert "rather-short" not in str(caught.value)


def test_a_ring_gives_keys_for_other_uses() -> None:
    """Each key of the ring gives another one per label, newest first, that is always the same and is not itself."""
    ring = KeyRing([Key(GIVEN, kid="one"), Key(FIRST.encode(), kid="two")])

    derived = [*ring.derive(b"a"), *ring.derive(b"b")]

    assert list(ring.derive(b"a")) == [Key(GIVEN).derive(b"a"), Key(FIRST.encode()).derive(b"a")]
    assert len({*derived, GIVEN.encode(), FIRST.encode()}) == 6
    assert {len(key) for key in derived} == {32}
