"""Your own sessions: see them, end them, and open WebSockets in them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Body, Depends, Request
from starlette.responses import Response

from fastauth.core.exceptions import (
    BadRequestException,
    InactiveUserException,
    SessionNotFoundException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    ValidationException,
)
from fastauth.core.models import Account
from fastauth.services.sessions import Sessions
from fastauth.services.tickets import Tickets
from fastauth.web.dependencies import Dependencies
from fastauth.web.routing import responses
from fastauth.web.schemas import LogoutAllBody, SessionRead, WebSocketTicketRead, session_json
from fastauth.web.selection import AuthRouter, Selection
from fastauth.web.transport import TokenTransport

_SIGNED_IN = (BadRequestException, TokenException, InactiveUserException, StoreUnavailableException)


def session_routes(
    sessions: Sessions[Any],
    tickets: Tickets[Any],
    transport: TokenTransport,
    dependencies: Dependencies[Any],
    selection: Selection,
) -> AuthRouter:
    """Build ``GET /sessions``, ``DELETE /sessions/{session_id}``, ``POST /logout/all`` and ``POST /ws/ticket``."""
    router = AuthRouter(selection, tag="sessions")
    current_account = dependencies.current_account

    @router.get(
        "/sessions",
        summary="Your sessions",
        response_model=list[SessionRead],
        responses=responses(*_SIGNED_IN),
    )
    async def list_sessions(account: Account[Any] = Depends(current_account)) -> Sequence[dict[str, Any]]:
        """Return where you are signed in, newest first, and which of them this is."""
        return [session_json(session, current=account.session) for session in await sessions.list(account.id)]

    @router.delete(
        "/sessions/{session_id}",
        summary="End one of your sessions",
        status_code=204,
        response_class=Response,
        responses=selection.unsafe(*_SIGNED_IN, ValidationException, SessionNotFoundException),
    )
    async def end_session(
        request: Request, session_id: str, account: Account[Any] = Depends(current_account)
    ) -> Response:
        """End a session of yours: its tokens are refused from now on."""
        response = Response(status_code=204)
        await sessions.end(session_id, user_id=account.id, by=account)
        if account.session is not None and account.session.id == session_id:
            transport.clear_cookies(response, request)
        return response

    @router.post(
        "/logout/all",
        summary="Sign out everywhere",
        status_code=204,
        response_class=Response,
        responses=selection.unsafe(*_SIGNED_IN, TooLargeException, ValidationException),
    )
    async def logout_all(
        request: Request,
        body: Annotated[LogoutAllBody | None, Body()] = None,
        account: Account[Any] = Depends(current_account),
    ) -> Response:
        """End all your sessions, this one included; with `others`, this one stays."""
        response = Response(status_code=204)
        if body is not None and body.others and account.session is not None:
            await sessions.end_all(account.id, except_session=account.session.id, by=account)
        else:
            await sessions.end_all(account.id, by=account)
            transport.clear_cookies(response, request)
        return response

    @router.post(
        "/ws/ticket",
        summary="A ticket for a WebSocket",
        response_model=WebSocketTicketRead,
        responses=selection.unsafe(*_SIGNED_IN),
    )
    async def create_websocket_ticket(account: Account[Any] = Depends(current_account)) -> dict[str, str | int]:
        """Return what opens one WebSocket, once and soon: put it into the URL, as the parameter `ticket`."""
        ticket = await tickets.issue(account)
        return {"ticket": ticket.ticket, "expires_in": ticket.expires_in}

    return router
