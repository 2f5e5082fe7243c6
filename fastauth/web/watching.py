"""A WebSocket lives longer than the look at its session: who holds one open is looked at again and again."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Generic

import anyio
from starlette.status import WS_1011_INTERNAL_ERROR
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fastauth.core.checks import check_kind
from fastauth.core.exceptions import ConfigurationError, FastAuthException, StoreUnavailableException
from fastauth.core.models import U
from fastauth.services.sessions import Sessions
from fastauth.web.admissions import Admission, Admissions
from fastauth.web.dependencies import Dependencies
from fastauth.web.error_handlers import WatchedSocketClosed, close_code_of

logger: logging.Logger = logging.getLogger("fastauth")

_GOODBYE = 1.0  # seconds that a client has to take in why it is closed


class Watches(Generic[U]):
    """Closes WebSockets whose sessions do not let them in any more.

    Args:
        sessions: Judges sessions.
        admissions: Knows who was let in.
        dependencies: What a test of the app may have overridden.
    """

    def __init__(self, sessions: Sessions[U], admissions: Admissions[U], dependencies: Dependencies[U]) -> None:
        self._sessions = sessions
        self._admissions = admissions
        self._dependencies = dependencies

    @asynccontextmanager
    async def watch(self, websocket: WebSocket, *, every: timedelta, outage: timedelta) -> AsyncGenerator[None, None]:
        """Watch over a WebSocket for as long as the context lasts; see ``FastAuth.watch``."""
        for option, span in (("every", every), ("outage", outage)):
            check_kind(option, span, timedelta)
        if every <= timedelta(0):
            raise ConfigurationError(f"every={every!r} must be positive.")
        admission = self._admissions.of(websocket)
        who = self._session_of(websocket, admission)
        if who is None:
            yield
            return
        looking = asyncio.get_running_loop().create_task(
            self._until_over(*who, admission, every.total_seconds(), outage.total_seconds()), name="fastauth watch"
        )
        try:
            with anyio.CancelScope() as body:
                looking.add_done_callback(lambda _: body.cancel())
                yield
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            closed = None if looking.cancelled() else await _close(websocket, looking)
        if closed is not None:
            raise closed

    def _session_of(self, websocket: WebSocket, admission: Admission[U]) -> tuple[str, str] | None:
        if self._admissions.pretended is not None or self._dependencies.are_overridden(websocket):
            return None  # in a test that says who is there, nobody has a session that could end
        if admission.account is not None and admission.account.session is not None:
            return admission.account.session.id, admission.account.id
        if admission.claims is not None and admission.claims.session_id is not None:
            return admission.claims.session_id, admission.claims.user_id
        if admission.asked:
            return None  # nothing was sent, and the route lets in whoever it is
        raise ConfigurationError(
            "There is no session to watch: the route needs a dependency of this FastAuth, such as auth.current_user."
        )

    async def _until_over(
        self, session_id: str, user_id: str, admission: Admission[U], every: float, outage: float
    ) -> FastAuthException:
        """Return why the session does not let the WebSocket in any more, as soon as that is known."""
        answered = anyio.current_time()
        # All clients come back at the same moment after a restart; they are not all to be looked at in the same one.
        pause = random.uniform(0, every)  # noqa: S311
        while True:
            await anyio.sleep(pause)
            pause = every
            try:
                account = await self._sessions.account_of(session_id, user_id=user_id)
            except StoreUnavailableException as error:
                if anyio.current_time() - answered >= outage:
                    return error
                continue
            except FastAuthException as error:
                return error
            answered = anyio.current_time()
            refused = next(filter(None, (check(account) for check in admission.checks)), None)
            if refused is not None:
                return refused


async def _close(websocket: WebSocket, looking: "asyncio.Task[FastAuthException]") -> WebSocketDisconnect:
    failure = looking.exception()
    if failure is None:
        error = looking.result()
        closed = WatchedSocketClosed(close_code_of(error), error.code)
    else:
        logger.error("Looking at a session failed: its WebSocket is closed.", exc_info=failure)
        closed = WatchedSocketClosed(WS_1011_INTERNAL_ERROR, FastAuthException.code)
    states = (websocket.application_state, websocket.client_state)
    if WebSocketState.DISCONNECTED not in states:
        # The client may have gone at this very moment; or it does not read, and what it is sent waits for it to begin.
        with suppress(WebSocketDisconnect), anyio.move_on_after(_GOODBYE):
            await websocket.close(closed.code, closed.reason)
    return closed
