"""The routes of the flows that an account goes through, as clients see them."""

import asyncio
from typing import Any

import pytest

from fastauth import PermissionDeniedException, Store
from fastauth.backends.memory import MemoryStore
from fastauth.core.events import UserRegistered
from tests.conftest import PASSWORD
from tests.outbox import mailing
from tests.services.conftest import MakeAuth
from tests.web.helpers import me, refused, try_sign_in

NEW = "another horse battery"


async def test_from_registration_to_a_verified_address(store: Store[Any], make_auth: MakeAuth) -> None:
    """A user registers, is mailed a link, takes its token, and passes the guard of the verified."""
    async with mailing(store, make_auth) as flow:
        await flow.call("POST /register", username="ada", email="ada@example.com", password=PASSWORD)
        tokens = await flow.tokens()
        assert (await me(flow.client, tokens)).json()["roles"] == ["user"]

        verified = await flow.call("POST /email/verify", token=flow.outbox.token("verify_email"))

        assert (verified.status_code, verified.content) == (204, b"")
        assert (await me(flow.client, tokens)).json()["roles"] == ["user", "verified"]
        again = await flow.call("POST /email/verify/request", tokens)
        assert (again.status_code, flow.outbox.told()) == (202, [("verify_email", "ada@example.com")])
        assert again.json() == {"message": "If your address is not verified yet, a mail is on its way."}


async def test_from_a_forgotten_password_to_a_new_one(store: Store[Any], make_auth: MakeAuth) -> None:
    """Whoever has the mail sets a password, and whoever was signed in with the old one is out."""
    async with mailing(store, make_auth, "ada") as flow:
        old = await flow.tokens()
        forgot = await flow.call("POST /password/forgot", email="Ada@Example.com")
        token = flow.outbox.token("reset_password")

        reset = await flow.call("POST /password/reset", token=token, new_password=NEW)

        assert (forgot.status_code, reset.status_code, reset.content) == (202, 204, b"")
        refused(await me(flow.client, old), 401, "INVALID_TOKEN")
        refused(await try_sign_in(flow.client), 401, "INVALID_CREDENTIALS")
        assert (await me(flow.client, await flow.tokens(password=NEW))).status_code == 200


async def test_an_answer_does_not_wait_for_the_mail(make_auth: MakeAuth) -> None:
    """Requests are answered while the notifier has not even begun to send."""
    may_send = asyncio.Event()

    class Slow:
        sent = 0

        async def notify(self, notification: Any, /) -> None:
            await may_send.wait()
            self.sent += 1

    slow = Slow()
    async with mailing(MemoryStore(), make_auth, "ada", notifier=slow) as flow:
        answers = [
            await flow.client.post("/password/forgot", json={"email": "ada@example.com"}),
            await flow.client.post("/register", json={"username": "e", "email": "e@example.com", "password": PASSWORD}),
        ]
        assert [answer.status_code for answer in answers] == [202, 201]
        assert slow.sent == 0
        may_send.set()

    assert slow.sent == 2


@pytest.mark.parametrize("path", ["/email/verify", "/email/change/confirm", "/password/reset"])
@pytest.mark.parametrize("token", ["x", "a.b.c", "\u00e9.a.b", "x" * 5000, "..", "\x00"])
async def test_a_token_that_is_none_is_refused_before_anything_is_looked_up(
    make_auth: MakeAuth, path: str, token: str
) -> None:
    """Garbage is a bad token, with a challenge, and in words about mails."""
    body = {"token": token, **({"new_password": NEW} if "reset" in path else {})}
    async with mailing(MemoryStore(), make_auth) as flow:
        answer = await flow.call(f"POST {path}", **body)

    assert refused(answer, 401, "INVALID_TOKEN")["message"].startswith("The token of the mail")


async def test_a_weak_password_is_refused_wherever_one_is_set(store: Store[Any], make_auth: MakeAuth) -> None:
    """The policy holds in every flow, and nothing has changed then."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens, token = await flow.tokens(), await flow.mailed("reset_password")
        change = {"current_password": PASSWORD, "new_password": "short"}

        for answer in (
            await flow.call("POST /password/change", tokens, **change),
            await flow.call("POST /password/reset", token=token, new_password="short"),
        ):
            (detail,) = refused(answer, 422, "WEAK_PASSWORD")["details"]
            assert detail["loc"] == ["body", "new_password"]  # the field that was sent
        bad = {"new_email": "no address", "current_password": PASSWORD}
        (detail,) = refused(await flow.call("POST /email/change", tokens, **bad), 422, "VALIDATION_ERROR")["details"]
        assert detail["loc"] == ["body", "new_email"]

        assert (await me(flow.client, tokens)).status_code == 200


async def test_an_account_that_is_closed_is_gone_with_its_cookies(store: Store[Any], make_auth: MakeAuth) -> None:
    """A browser that closes its account keeps no cookie of it, and its owner is told at the address it had."""
    async with mailing(store, make_auth, "ada", use_cookie=True) as flow:
        await try_sign_in(flow.client)
        flow.client.headers["Sec-Fetch-Site"] = "same-origin"

        closed = await flow.call("DELETE /users/me", current_password=PASSWORD)

        assert closed.status_code == 204
        assert all("Max-Age=0" in line for line in closed.headers.get_list("set-cookie"))
        assert list(flow.client.cookies) == []
        assert flow.outbox.told() == [("account_deleted", "ada@example.com")]
        refused(await try_sign_in(flow.client), 401, "INVALID_CREDENTIALS")
        assert (
            await flow.call("POST /register", username="ada", email="ada@example.com", password=PASSWORD)
        ).is_success


async def test_a_quiet_registration_says_at_once_what_is_wrong_with_the_values(make_auth: MakeAuth) -> None:
    """With ``enumeration_safe``, a name, address or password that cannot be one is still refused in the answer."""
    async with mailing(MemoryStore(), make_auth, enumeration_safe=True) as flow:
        good = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        for wrong, code in (
            ({"username": "a b"}, "VALIDATION_ERROR"),
            ({"username": "x" * 65}, "VALIDATION_ERROR"),
            ({"email": "nowhere"}, "VALIDATION_ERROR"),
            ({"password": "short"}, "WEAK_PASSWORD"),
        ):
            refused(await flow.call("POST /register", **{**good, **wrong}), 422, code)
        assert flow.outbox.told() == []
        assert (await flow.call("POST /register", **good)).json().keys() == {"message"}

        assert (await me(flow.client, await flow.tokens())).json()["username"] == "ada"


async def test_a_quiet_registration_that_a_hook_refuses_is_quiet(
    make_auth: MakeAuth, caplog: pytest.LogCaptureFixture
) -> None:
    """The veto of the app's own is in the log, by its code; the answer is the same, and nobody is mailed."""
    caplog.set_level("INFO", "fastauth")

    async with mailing(MemoryStore(), make_auth, enumeration_safe=True) as flow:

        @flow.auth.before(UserRegistered)
        def refuse(event: UserRegistered[Any]) -> None:
            raise PermissionDeniedException

        answer = await flow.call("POST /register", username="ada", email="ada@example.com", password=PASSWORD)

        assert (answer.status_code, flow.outbox.told()) == (202, [])
        assert "A registration was refused: FASTAUTH_PERMISSION_DENIED" in caplog.text
        assert await flow.auth.accounts.list() == []
