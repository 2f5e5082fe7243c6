"""Every call of the store is counted, measured and traced, where somebody wants to know."""

import functools
import time
from typing import Any

from fastauth.core.exceptions import REFUSALS
from fastauth.core.models import U
from fastauth.core.protocols import Store
from fastauth.core.telemetry import Telemetries
from fastauth.services.verbs import Verb, with_each_verb


def with_measurements(store: Store[U], telemetry: Telemetries) -> Store[U]:
    """Return the same store, each call of which is told to the telemetry; where there is none, the store itself."""
    if not telemetry:
        return store

    def wrap(name: str, verb: Verb) -> Verb:
        @functools.wraps(verb)
        async def call(*args: Any, **kwargs: Any) -> Any:
            outcome = "ok"
            began = time.perf_counter()
            try:
                with telemetry.span(f"store.{name}"):
                    return await verb(*args, **kwargs)
            except REFUSALS:  # such as a name that is taken: any client can cause it, and the store is well
                outcome = "refused"
                raise
            except BaseException as error:  # that the client went away, too
                outcome = type(error).__name__
                raise
            finally:
                telemetry.store_called(name, time.perf_counter() - began, outcome)

        return call

    return with_each_verb(store, wrap)
