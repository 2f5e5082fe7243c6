"""Metrics for Prometheus, by ``prometheus-client``; ``pip install 'fastauth[prometheus]'``."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from fastauth.core.events import Event, SignedIn, SignInFailed
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.telemetry import PASSWORD_BOUNDS, STORE_BOUNDS, RefreshOutcome

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.multiprocess import MultiProcessCollector
except ImportError as _error:
    raise ImportError("PrometheusTelemetry needs prometheus-client: pip install 'fastauth[prometheus]'") from _error


class PrometheusTelemetry:
    """Counts for Prometheus, in the registry that the app exposes anyway, or by ``auth.setup(app, metrics=True)``.

    It is one of ``FastAuth(telemetry=[...])``.

    Several worker processes are counted together as ``prometheus-client`` does it: name an empty folder in
    ``PROMETHEUS_MULTIPROC_DIR``.

    Args:
        registry: Where the metrics are registered.
        namespace: What their names begin with.

    Raises:
        ConfigurationError: The registry has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, namespace: str = "fastauth") -> None:
        self._registry = registry
        named: dict[str, Any] = {"namespace": namespace, "registry": registry}
        try:
            self._sign_ins = Counter("sign_ins", "Sign-ins, by outcome.", ["outcome"], **named)
            self._refreshes = Counter("refreshes", "Refreshes of tokens, by outcome.", ["outcome"], **named)
            self._events = Counter("events", "What happened to accounts, by event.", ["event"], **named)
            self._rejections = Counter("token_rejections", "Tokens refused, by reason.", ["reason"], **named)
            self._limited = Counter("rate_limited", "Attempts over a rate limit, by route.", ["route"], **named)
            self._store = Histogram(
                "store_call_seconds",
                "Calls of the store, by verb and outcome.",
                ["verb", "outcome"],
                buckets=STORE_BOUNDS,
                **named,
            )
            self._waited = Histogram(
                "password_wait_seconds", "How long passwords waited for a thread.", buckets=PASSWORD_BOUNDS, **named
            )
            self._worked = Histogram(
                "password_work_seconds",
                "How long hashing and comparing took.",
                ["work"],
                buckets=PASSWORD_BOUNDS,
                **named,
            )
            self._waiting = Gauge(
                "passwords_waiting", "Passwords that wait or are being hashed.", multiprocess_mode="livesum", **named
            )
        except ValueError as error:
            raise ConfigurationError(
                "The registry has these metrics already: make one PrometheusTelemetry for an app, or give each a "
                "registry or a namespace of its own."
            ) from error

    def happened(self, event: Event, /) -> None:
        """Count the event, and a sign-in by its outcome."""
        self._events.labels(event.name).inc()
        if isinstance(event, SignedIn):
            self._sign_ins.labels("success").inc()
        elif isinstance(event, SignInFailed):
            self._sign_ins.labels(event.reason).inc()

    def refreshed(self, outcome: RefreshOutcome, /) -> None:
        """Count the refresh."""
        self._refreshes.labels(outcome).inc()

    def token_rejected(self, reason: str, /) -> None:
        """Count the token."""
        self._rejections.labels(reason).inc()

    def rate_limited(self, route: str, /) -> None:
        """Count the attempt."""
        self._limited.labels(route).inc()

    def store_called(self, verb: str, seconds: float, outcome: str, /) -> None:
        """Count and measure the call."""
        self._store.labels(verb, outcome).observe(seconds)

    def password_hashed(self, work: Literal["hash", "verify"], waited: float, worked: float, /) -> None:
        """Measure how long the password waited, and how long it took."""
        self._waited.observe(waited)
        self._worked.labels(work).observe(worked)

    def passwords_waiting(self, change: Literal[1, -1], /) -> None:
        """Count one more, or one fewer."""
        self._waiting.inc(change)

    def span(self, name: str, /) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context that does nothing: Prometheus keeps no traces."""
        return nullcontext()

    def exposition(self, accept: str, /) -> tuple[bytes, str]:
        """Return the metrics of all worker processes in the format that the scraper prefers."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type
