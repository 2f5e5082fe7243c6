"""The end of a sign-in, and what is known and kept of it until then, on every store."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fastauth import (
    Account,
    FastAuth,
    SessionNotFoundException,
    Store,
    TokenException,
)
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.core.forge import claims_of
from tests.services.conftest import access_refusal, memory_only


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_sign_out_ends_this_session_and_no_other(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """The session that was ended is refused at once, cannot be ended again, and the others live on."""
    first, second = await auth.sessions.start(ada), await auth.sessions.start(ada)

    await auth.sessions.end(first.session_id)

    assert await access_refusal(auth, first.access_token) == "session ended"
    assert (await auth.sessions.authenticate(second.access_token)).id == ada.id
    for session_id in (first.session_id, "x" * 22, "", "no such id"):
        with pytest.raises(SessionNotFoundException):
            await auth.sessions.end(session_id)


async def test_any_good_token_signs_its_session_out(auth: FastAuth[Any], ada: Account[Any], clock: ManualClock) -> None:
    """The access token ends its session, and where it is no good any more the refresh token does."""
    for sent in ("access", "refresh", "both", "nonsense and refresh", "expired access and refresh"):
        pair = await auth.sessions.start(ada)
        if sent.startswith("expired"):
            clock.move(timedelta(hours=1))
        access_token = "nonsense" if sent.startswith("nonsense") else pair.access_token

        await auth.sessions.sign_out(
            access_token=None if sent == "refresh" else access_token,
            refresh_token=None if sent == "access" else pair.refresh_token,
        )

        assert not await auth.sessions.list(ada.id)


@memory_only
async def test_a_sign_out_needs_a_good_token(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """No token, bad ones, the wrong kind, and one of a session that has ended are refused."""
    pair = await auth.sessions.start(ada)

    with pytest.raises(TokenException) as caught:
        await auth.sessions.sign_out()
    assert caught.value.missing
    for tokens in (
        {"access_token": "nonsense"},
        {"access_token": pair.refresh_token},
        {"refresh_token": pair.access_token},
        {"access_token": "nonsense", "refresh_token": "nonsense"},
    ):
        with pytest.raises(TokenException):
            await auth.sessions.sign_out(**tokens)
    assert len(await auth.sessions.list(ada.id)) == 1

    await auth.sessions.sign_out(access_token=pair.access_token)
    with pytest.raises(TokenException, match="not valid") as ended:
        await auth.sessions.sign_out(access_token=pair.access_token)
    assert ended.value.reason == "session ended"


async def test_all_sessions_end_but_the_one_to_keep(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Ending all says how many there were, keeps the one that was named, and touches nobody else's."""
    eve = await auth.accounts.register("eve", "eve@example.com", PASSWORD)
    keep, *others = [await auth.sessions.start(ada) for _ in range(3)]
    eves = await auth.sessions.start(eve)

    ended = await auth.sessions.end_all(ada.id, except_session=keep.session_id)

    assert ended == 2
    assert [session.id for session in await auth.sessions.list(ada.id)] == [keep.session_id]
    assert [await access_refusal(auth, pair.access_token) for pair in others] == ["session ended"] * 2
    assert (await auth.sessions.authenticate(eves.access_token)).id == eve.id
    assert await auth.sessions.end_all(ada.id) == 1
    assert await auth.sessions.end_all(ada.id) == await auth.sessions.end_all("no such user") == 0


async def test_sessions_are_listed_newest_first(auth: FastAuth[Any], ada: Account[Any], clock: ManualClock) -> None:
    """A user's live sessions are listed from the newest to the oldest, with what is known of each."""
    pairs = []
    for name in ("first", "second", "third"):
        pairs.append(await auth.sessions.start(ada, user_agent=name))
        clock.move(timedelta(minutes=1))
    await auth.sessions.end(pairs[1].session_id)

    sessions = await auth.sessions.list(ada.id)

    assert [session.user_agent for session in sessions] == ["third", "first"]
    assert [session.id for session in sessions] == [pairs[2].session_id, pairs[0].session_id]
    assert sessions[0].created_at - sessions[1].created_at == timedelta(minutes=2)
    assert {session.created_at.microsecond for session in sessions} == {0}  # what every database keeps
    assert not await auth.sessions.list("no such user")


async def test_what_a_client_says_of_itself_is_kept_printable_and_short(
    auth: FastAuth[Any], ada: Account[Any], clock: ManualClock
) -> None:
    """A description holds nothing that could harm a log, a terminal or a column."""
    said = {
        None: None,
        "": "",
        "Browser/1.0 (é)": "Browser/1.0 (é)",
        "a\r\nb\0c\x1b[31md\u202e": "abc[31md",
        "\ud800x": "x",
        "x" * 300: "x" * 255,
        "\U0001f600" * 300: "\U0001f600" * 255,
    }
    for user_agent in said:
        await auth.sessions.start(ada, user_agent=user_agent)
        clock.move(timedelta(seconds=1))

    assert [session.user_agent for session in await auth.sessions.list(ada.id)] == [*said.values()][::-1]


async def test_sessions_that_can_never_live_again_are_purged(
    auth: FastAuth[Any], ada: Account[Any], clock: ManualClock
) -> None:
    """Purging deletes what has expired and says how much, and leaves the living alone."""
    for _ in range(3):
        await auth.sessions.start(ada)
    clock.move(timedelta(days=7))
    living = await auth.sessions.start(ada)

    assert await auth.sessions.purge_expired() == 3
    assert await auth.sessions.purge_expired() == 0
    assert (await auth.sessions.authenticate(living.access_token)).id == ada.id


async def test_r_se_10_what_is_stored_holds_no_token(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any], tmp_path: Path
) -> None:
    """Who steals the database finds no token in it, nor anything of one but its session's id."""
    pair = await auth.sessions.start(ada)
    pair = await auth.sessions.refresh(pair.refresh_token)
    await store.close()

    dump = repr(vars(store)).encode() + bytes_below(tmp_path)
    for token in (pair.access_token, pair.refresh_token):
        assert not any(part.encode() in dump for part in token.split("."))
        assert claims_of(token)["jti"].encode() not in dump
