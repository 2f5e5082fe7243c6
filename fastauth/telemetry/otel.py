"""Spans and metrics by OpenTelemetry's API; ``pip install 'fastauth[otel]'``, and the SDK that the app exports with."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

from fastauth.core.events import Event, SignedIn, SignInFailed
from fastauth.core.exceptions import REFUSALS
from fastauth.core.telemetry import PASSWORD_BOUNDS, STORE_BOUNDS, RefreshOutcome

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import Status, StatusCode
except ImportError as _error:
    raise ImportError("OpenTelemetry needs opentelemetry-api: pip install 'fastauth[otel]'") from _error

_NAME = "fastauth"


class OpenTelemetry:
    """Spans around store calls and password hashing, and metrics, for whatever the app exports to.

    It is one of ``FastAuth(telemetry=[...])``.

    Args:
        tracer_provider: Makes the spans; None is the global one.
        meter_provider: Makes the metrics; None is the global one.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._sign_ins = meter.create_counter("fastauth.sign_ins", description="Sign-ins, by outcome.")
        self._refreshes = meter.create_counter("fastauth.refreshes", description="Refreshes of tokens, by outcome.")
        self._events = meter.create_counter("fastauth.events", description="What happened to accounts, by event.")
        self._rejections = meter.create_counter("fastauth.token_rejections", description="Tokens refused, by reason.")
        self._limited = meter.create_counter("fastauth.rate_limited", description="Attempts over a limit, by route.")
        self._store = meter.create_histogram(
            "fastauth.store.call.duration",
            unit="s",
            description="Calls of the store, by verb and outcome.",
            explicit_bucket_boundaries_advisory=STORE_BOUNDS,
        )
        self._waited = meter.create_histogram(
            "fastauth.password.wait.duration",
            unit="s",
            description="How long passwords waited for a thread.",
            explicit_bucket_boundaries_advisory=PASSWORD_BOUNDS,
        )
        self._worked = meter.create_histogram(
            "fastauth.password.work.duration",
            unit="s",
            description="How long hashing and comparing took.",
            explicit_bucket_boundaries_advisory=PASSWORD_BOUNDS,
        )
        self._waiting = meter.create_up_down_counter(
            "fastauth.passwords_waiting", description="Passwords that wait or are being hashed."
        )

    def happened(self, event: Event, /) -> None:
        """Count the event, and a sign-in by its outcome."""
        self._events.add(1, {"event": event.name})
        if isinstance(event, SignedIn):
            self._sign_ins.add(1, {"outcome": "success"})
        elif isinstance(event, SignInFailed):
            self._sign_ins.add(1, {"outcome": event.reason})

    def refreshed(self, outcome: RefreshOutcome, /) -> None:
        """Count the refresh."""
        self._refreshes.add(1, {"outcome": outcome})

    def token_rejected(self, reason: str, /) -> None:
        """Count the token."""
        self._rejections.add(1, {"reason": reason})

    def rate_limited(self, route: str, /) -> None:
        """Count the attempt."""
        self._limited.add(1, {"route": route})

    def store_called(self, verb: str, seconds: float, outcome: str, /) -> None:
        """Count and measure the call."""
        self._store.record(seconds, {"verb": verb, "outcome": outcome})

    def password_hashed(self, work: Literal["hash", "verify"], waited: float, worked: float, /) -> None:
        """Measure how long the password waited, and how long it took."""
        self._waited.record(waited)
        self._worked.record(worked, {"work": work})

    def passwords_waiting(self, change: Literal[1, -1], /) -> None:
        """Count one more, or one fewer."""
        self._waiting.add(change)

    def span(self, name: str, /) -> AbstractContextManager[None]:
        """Return the context of a span ``fastauth.<name>``; a failure is told by its class alone."""
        return self._span(f"{_NAME}.{name}")

    @contextmanager
    def _span(self, name: str) -> Generator[None, None, None]:
        # The text of a driver's exception may hold addresses and values, and so may those that it was raised from.
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except REFUSALS:
                raise  # an answer, and no failure
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise
