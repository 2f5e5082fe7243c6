"""The flows that go by mail: verify an address, change it, and get back in without the password."""

from typing import Any

from fastapi import Depends, Request
from starlette.responses import Response

from fastauth.core.exceptions import (
    BadRequestException,
    CredentialsException,
    InactiveUserException,
    OverloadedException,
    RateLimitedException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserExistsException,
    ValidationException,
    WeakPasswordException,
)
from fastauth.core.models import Account
from fastauth.services.accounts import Accounts
from fastauth.web.dependencies import Dependencies
from fastauth.web.limits import RouteLimits
from fastauth.web.routing import responses
from fastauth.web.schemas import (
    AcceptedRead,
    EmailChangeBody,
    MailedTokenBody,
    PasswordForgotBody,
    PasswordResetBody,
)
from fastauth.web.selection import AuthRouter, Selection

_OPEN = (BadRequestException, TooLargeException, ValidationException, StoreUnavailableException)
_SIGNED_IN = (BadRequestException, TokenException, InactiveUserException, StoreUnavailableException)


def mailed_routes(
    accounts: Accounts[Any], dependencies: Dependencies[Any], limits: RouteLimits, selection: Selection
) -> AuthRouter:
    """Build ``/email/...`` and ``/password/forgot`` and ``/password/reset``."""
    router = AuthRouter(selection, tag="account recovery")
    current_account = dependencies.current_account

    @router.post(
        "/email/verify/request",
        summary="Ask for the mail that verifies your address",
        status_code=202,
        response_model=AcceptedRead,
        responses=selection.unsafe(*_SIGNED_IN, RateLimitedException),
    )
    async def request_verification(
        request: Request, account: Account[Any] = Depends(current_account)
    ) -> dict[str, str]:
        """Mail the link again. Nothing is sent where the address is verified already."""
        await limits.check(request, "verify_email", account=account.username)
        await accounts.request_verification(account)
        return {"message": "If your address is not verified yet, a mail is on its way."}

    @router.post(
        "/email/verify",
        summary="Verify an address",
        status_code=204,
        response_class=Response,
        responses=responses(*_OPEN, TokenException),
    )
    async def verify_email(body: MailedTokenBody) -> None:
        """Take the token of the mail. It works once."""
        await accounts.verify_email(body.token.get_secret_value())

    @router.post(
        "/password/forgot",
        summary="Ask for the mail that leads to a new password",
        status_code=202,
        response_model=AcceptedRead,
        responses=responses(*_OPEN, RateLimitedException),
    )
    async def forgot_password(request: Request, body: PasswordForgotBody) -> dict[str, str]:
        """Mail a link to the owner of the address. The answer is the same when nobody has it."""
        await limits.check(request, "forgot_password", account=body.email)
        accounts.forgot_password_later(body.email)
        return {"message": "If there is an account with this address, a mail is on its way."}

    @router.post(
        "/password/reset",
        summary="Set a new password",
        status_code=204,
        response_class=Response,
        responses=responses(*_OPEN, TokenException, WeakPasswordException, OverloadedException),
    )
    async def reset_password(body: PasswordResetBody) -> None:
        """Take the token of the mail and set the password. It works once, and every session ends."""
        await accounts.reset_password(body.token.get_secret_value(), body.new_password.get_secret_value())

    @router.post(
        "/email/change",
        summary="Ask for another address",
        status_code=202,
        response_model=AcceptedRead,
        responses=selection.unsafe(
            *_SIGNED_IN,
            TooLargeException,
            ValidationException,
            CredentialsException,
            UserExistsException,
            RateLimitedException,
            OverloadedException,
        ),
    )
    async def request_email_change(
        request: Request, body: EmailChangeBody, account: Account[Any] = Depends(current_account)
    ) -> dict[str, str]:
        """Mail the new address a link, and tell the present one."""
        accounts.check_new_email(account, body.new_email)  # before it is counted: it says nothing of the password
        with accounts.place():
            async with (
                limits.attempt(request, "verify_email", account=account.username),
                limits.proof(request, account=account.username),
            ):
                await accounts.request_email_change(
                    account.id, body.new_email, body.current_password.get_secret_value()
                )
        return {"message": "A mail is on its way."}

    @router.post(
        "/email/change/confirm",
        summary="Confirm another address",
        status_code=204,
        response_class=Response,
        responses=responses(*_OPEN, TokenException, UserExistsException),
    )
    async def confirm_email_change(body: MailedTokenBody) -> None:
        """Take the token of the mail: the new address is the account's, and verified. It works once."""
        await accounts.confirm_email_change(body.token.get_secret_value())

    return router
