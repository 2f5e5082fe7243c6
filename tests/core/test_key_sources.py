"""Where keys come from: the argument, the environment, the file of development, and what production refuses."""

import logging
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastauth.core import key_sources
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.key_sources import make_key_ring
from fastauth.core.keys import Key

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

    key_sources._write_key_file(KEY_FILE, "another")

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
    "0123456789" * 4: "repeat too much",
    GIVEN: None,
    "9c1f4be27a803d56e2b7f0c4815a6d3e": None,
}


@pytest.mark.parametrize(("secret", "weakness"), WEAK.items())
def test_r_jw_2_a_guessable_key_is_refused_in_production_and_warned_of_before(
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


def test_no_error_about_a_key_shows_it() -> None:
    """A key that is too short is not in the message that says so."""
    with pytest.raises(ConfigurationError) as caught:
        ring_of("rather-short")

    assert "rather-short" not in str(caught.value)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_development_keeps_a_key_of_each_kind(algorithm: str) -> None:
    """For an asymmetric algorithm the file holds a PEM, beside the secret and readable by its owner only."""
    first, second = ring_of(algorithm=algorithm), ring_of(algorithm=algorithm)
    path = KEY_FILE.with_name(f"{algorithm.lower()}.pem")

    assert first == second == [Key(path.read_text(), algorithm=algorithm).kid]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not KEY_FILE.exists()


def test_production_says_how_to_make_a_key_of_the_right_kind() -> None:
    """Without a key the message names a command that makes one for the algorithm in use."""
    for algorithm, command in (("HS256", "secrets.token_urlsafe"), ("ES256", "openssl genpkey")):
        with pytest.raises(ConfigurationError, match=command):
            ring_of(algorithm=algorithm, production=True)


def test_a_ring_says_where_its_keys_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin is the argument, the variable or the file by name, and never a key."""

    def origin(secret_key: str | None = None) -> str:
        return make_key_ring(secret_key, algorithm="HS256", production=False).origin

    origins = [origin(GIVEN), origin()]
    monkeypatch.setenv("SECRET_KEY", FIRST)
    origins.append(origin())
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", SECOND)

    assert [*origins, origin()] == ["secret_key", str(KEY_FILE), "SECRET_KEY", "FASTAUTH_SECRET_KEY"]


def test_several_algorithms_are_refused_even_where_no_key_is_given() -> None:
    """A list of algorithms is refused before anything is read or made."""
    with pytest.raises(ConfigurationError, match="is not supported"):
        make_key_ring(None, algorithm=["HS256", "RS256"], production=False)  # type: ignore[arg-type]
    assert list(Path().iterdir()) == []
