"""Whether the app can serve: what it stands on is asked, all at once and within a bounded time."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio

from fastauth.core.exceptions import StoreUnavailableException
from fastauth.core.protocols import Store
from fastauth.services.limits import Limiter

logger: logging.Logger = logging.getLogger("fastauth")

HEALTH_SECONDS = 2
"""How long a check may take, before what it asks counts as out of reach."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What became of one check.

    Attributes:
        name: What was asked: ``store``, or ``limits``, the storage of the rate limits.
        ok: Whether it answered as it should.
        detail: ``"ok"``, or what is wrong, in a few words without names, addresses or secrets.
    """

    name: str
    ok: bool
    detail: str = "ok"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the app can serve.

    Attributes:
        checks: What was asked.
    """

    checks: tuple[HealthCheck, ...]

    @property
    def ready(self) -> bool:
        """Whether every check is ok."""
        return all(check.ok for check in self.checks)


class Checkup:
    """Asks what the app stands on.

    Args:
        store: Where users and sessions are kept.
        limiter: Counts attempts; None where nobody does.
    """

    def __init__(self, store: Store[Any], limiter: Limiter | None) -> None:
        # No session has this id: it is the look-up that every protected request makes, and finds nothing.
        self._asked: dict[str, Callable[[], Awaitable[Any]]] = {"store": lambda: store.authenticate("health")}
        if limiter is not None:
            self._asked["limits"] = limiter.check

    async def health(self) -> Health:
        """Ask everything at once, and return what became of it; never raises, and takes no longer than two seconds."""
        outcomes: dict[str, HealthCheck] = {}

        async def ask(name: str) -> None:
            outcomes[name] = await _outcome(name, self._asked[name])

        async with anyio.create_task_group() as group:
            for name in self._asked:
                group.start_soon(ask, name)
        return Health(tuple(outcomes[name] for name in self._asked))


async def _outcome(name: str, ask: Callable[[], Awaitable[Any]]) -> HealthCheck:
    try:
        with anyio.fail_after(HEALTH_SECONDS):
            await ask()
    except TimeoutError:
        return HealthCheck(name, ok=False, detail=f"no answer within {HEALTH_SECONDS} seconds")
    except StoreUnavailableException as error:
        # The kind of the driver's error, and never its text, which may hold the address and the user.
        cause = type(error.__cause__ or error).__name__
        return HealthCheck(name, ok=False, detail=f"cannot be reached: {cause}")
    except Exception as error:
        logger.exception("The health check of the %s failed.", name)
        return HealthCheck(name, ok=False, detail=f"does not work: {type(error).__name__}")
    return HealthCheck(name, ok=True)
