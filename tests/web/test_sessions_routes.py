"""The routes of one's own sessions."""

from datetime import timedelta
from typing import Any

from fastauth import Store
from fastauth.core.events import SessionRevoked
from fastauth.testing import ManualClock
from tests.outbox import mailing
from tests.services.conftest import MakeAuth
from tests.web.helpers import me, refresh, refused


async def test_a_session_is_shown_with_its_times_and_its_client(
    store: Store[Any], make_auth: MakeAuth, clock: ManualClock
) -> None:
    """Newest first: when it began, was last used and will end, from where, and whether it is this one."""
    async with mailing(store, make_auth, "ada") as flow:
        flow.client.headers["User-Agent"] = "phone"
        phone = await flow.tokens()
        clock.move(timedelta(minutes=5))
        await refresh(flow.client, phone["refresh_token"])
        flow.client.headers["User-Agent"] = "laptop"
        laptop = await flow.tokens()

        first, second = (await flow.call("GET /sessions", laptop)).json()

        assert [(each["user_agent"], each["current"]) for each in (first, second)] == [
            ("laptop", True),
            ("phone", False),
        ]
        assert second["created_at"] < second["last_used_at"] == first["created_at"]
        assert {each["ip"] for each in (first, second)} == {"127.0.0.1"}
        assert second["expires_at"].startswith((clock() + timedelta(days=7)).date().isoformat())
        assert second.keys() == {"id", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "current"}


async def test_a_session_that_is_not_there_is_not_found(store: Store[Any], make_auth: MakeAuth) -> None:
    """One that has ended, was never there, or cannot be an id, is not found, whoever asks."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens, other = await flow.tokens(), await flow.tokens()
        (ended,) = [each["id"] for each in (await flow.call("GET /sessions", tokens)).json() if not each["current"]]
        await flow.call("POST /logout", other)

        for session_id in (ended, "x" * 22, "0", "%00", "x" * 500):
            refused(await flow.call(f"DELETE /sessions/{session_id}", tokens), 404, "SESSION_NOT_FOUND")


async def test_signing_out_everywhere_clears_the_cookies_unless_this_session_stays(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """A browser that keeps its session keeps its cookies."""
    async with mailing(store, make_auth, "ada", use_cookie=True) as flow:
        tokens = await flow.tokens()
        flow.client.headers["Sec-Fetch-Site"] = "same-origin"

        stays = await flow.call("POST /logout/all", others=True)
        assert (stays.status_code, stays.headers.get_list("set-cookie")) == (204, [])
        assert (await me(flow.client, tokens)).status_code == 200
        for body in ({"others": "maybe"}, {"all": True}):
            refused(await flow.call("POST /logout/all", **body), 422, "VALIDATION_ERROR")
        gone = await flow.call("POST /logout/all", others=False)

        assert gone.status_code == 204
        assert list(flow.client.cookies) == []
        refused(await me(flow.client, tokens), 401, "INVALID_TOKEN")


async def test_ending_the_session_one_is_in_clears_its_cookies(store: Store[Any], make_auth: MakeAuth) -> None:
    """A browser that ends another of its user's sessions keeps its cookies, and one that ends its own does not."""
    async with mailing(store, make_auth, "ada", use_cookie=True) as flow:
        await flow.tokens()
        flow.client.cookies.clear()
        tokens = await flow.tokens()
        flow.client.headers["Sec-Fetch-Site"] = "same-origin"
        ids = {each["current"]: each["id"] for each in (await flow.call("GET /sessions")).json()}

        stays = await flow.call(f"DELETE /sessions/{ids[False]}")
        assert (stays.status_code, stays.headers.get_list("set-cookie")) == (204, [])
        gone = await flow.call(f"DELETE /sessions/{ids[True]}")

        assert gone.status_code == 204
        assert list(flow.client.cookies) == []
        refused(await me(flow.client, tokens), 401, "INVALID_TOKEN")


async def test_the_trail_says_who_signed_out(store: Store[Any], make_auth: MakeAuth) -> None:
    """A sign-out is on record with whose session it was, by whom and from where."""
    async with mailing(store, make_auth, "ada") as flow:
        ended: list[Any] = []
        flow.auth.on(SessionRevoked)(ended.append)
        tokens = await flow.tokens()
        user_id = str((await me(flow.client, tokens)).json()["id"])
        await flow.call("POST /logout", tokens)

        (event,) = ended
        assert (event.user_id, event.actor_id, event.client.ip) == (user_id, user_id, "127.0.0.1")
