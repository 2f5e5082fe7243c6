"""Spans and metrics by OpenTelemetry, as an exporter gets them."""

from collections.abc import Generator
from datetime import datetime, timezone
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fastauth import FastAuth, StoreUnavailableException, UserExistsException
from fastauth.backends.memory import MemoryStore
from fastauth.core.events import SignedIn, SignInFailed, UserDisabled
from fastauth.core.models import Account, Session
from fastauth.telemetry.otel import OpenTelemetry
from tests.conftest import DEFAULTS, PASSWORD

NOW = datetime.now(timezone.utc)
ADA: Account[Any] = Account("7", "ada", "ada@example.com", "", False, frozenset(), user=None)
SESSION = Session("session-1", "7", 0, created_at=NOW, rotated_at=NOW, expires_at=NOW)


class Exported:
    """What an exporter has got."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._reader])
        self.telemetry = OpenTelemetry(self.tracer_provider, self.meter_provider)

    def spans(self) -> Any:
        """Return the spans that have ended."""
        return self._spans.get_finished_spans()

    def points(self) -> dict[str, list[Any]]:
        """Return what each metric holds, one point for each set of labels."""
        data: Any = self._reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def metrics(self) -> dict[str, dict[str, float]]:
        """Return sums and counts by the names of the metrics and by their labels."""
        return {
            name: {
                ",".join(map(str, point.attributes.values())): getattr(point, "value", getattr(point, "sum", None))
                for point in points
            }
            for name, points in self.points().items()
        }

    def close(self) -> None:
        """Let go of both providers."""
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()


@pytest.fixture
def exported() -> Generator[Exported, None, None]:
    """An OpenTelemetry whose exporters keep everything in memory."""
    exported = Exported()
    yield exported
    exported.close()


def test_what_is_told_is_measured(exported: Exported) -> None:
    """Each thing that is told is a metric with a stable name, in seconds where it is a time."""
    telemetry = exported.telemetry
    telemetry.happened(UserDisabled(at=NOW, user_id="7"))
    telemetry.happened(SignedIn(at=NOW, account=ADA, session=SESSION))
    telemetry.happened(SignInFailed(at=NOW, login="ada", reason="FASTAUTH_INVALID_CREDENTIALS"))
    telemetry.refreshed("reused")
    telemetry.token_rejected("expired")
    telemetry.rate_limited("sign_in")
    telemetry.store_called("authenticate", 0.25, "ok")
    telemetry.password_hashed("hash", 0.5, 0.75)
    telemetry.passwords_waiting(1)

    assert exported.metrics() == {
        "fastauth.events": {"user.disabled": 1, "session.started": 1, "session.refused": 1},
        "fastauth.sign_ins": {"success": 1, "FASTAUTH_INVALID_CREDENTIALS": 1},
        "fastauth.refreshes": {"reused": 1},
        "fastauth.token_rejections": {"expired": 1},
        "fastauth.rate_limited": {"sign_in": 1},
        "fastauth.store.call.duration": {"authenticate,ok": 0.25},
        "fastauth.password.wait.duration": {"": 0.5},
        "fastauth.password.work.duration": {"hash": 0.75},
        "fastauth.passwords_waiting": {"": 1},
    }


def test_what_differs_falls_into_different_buckets(exported: Exported) -> None:
    """A store that takes a second is told from one that takes a millisecond, without a view that the app would set."""
    telemetry = exported.telemetry
    for seconds in (0.001, 0.02, 1):
        telemetry.store_called("authenticate", seconds, "ok")
        telemetry.password_hashed("hash", 10 * seconds, 10 * seconds)

    counts = [point.bucket_counts for name, points in exported.points().items() for point in points]
    assert [sorted(each)[-4:] for each in counts] == 3 * [[0, 1, 1, 1]]


async def test_store_calls_are_spans_below_that_of_the_request(exported: Exported) -> None:
    """What a request asks of the store is seen in its own trace."""
    auth = FastAuth(MemoryStore(), telemetry=[exported.telemetry], **DEFAULTS)
    await auth.initialize_db()

    with exported.tracer_provider.get_tracer("app").start_as_current_span("request") as request:
        await auth.accounts.register("ada", "ada@example.com", PASSWORD)
        trace = request.get_span_context().span_id
    await auth.close()

    below = [span.name for span in exported.spans() if span.parent and span.parent.span_id == trace]
    assert "fastauth.store.add_user" in below


async def test_a_failed_span_tells_the_class_of_the_error_and_not_its_text(exported: Exported) -> None:
    """The text of a driver's error, which may hold an address and a password, reaches no trace."""

    class Down(MemoryStore):
        async def get_user(self, user_id: str) -> None:
            raise StoreUnavailableException from OSError("postgresql://app:hunter2@db")

    auth = FastAuth(Down(), telemetry=[exported.telemetry], **DEFAULTS)

    with pytest.raises(StoreUnavailableException):
        await auth.accounts.get("1")
    await auth.close()

    (span,) = exported.spans()
    assert (span.status.status_code, dict(span.attributes)) == (
        StatusCode.ERROR,
        {"error.type": "StoreUnavailableException"},
    )
    assert "hunter2" not in span.to_json()


async def test_a_refusal_is_no_failed_span(exported: Exported) -> None:
    """Whoever registers a name that is taken, puts no error into the traces."""
    auth = FastAuth(MemoryStore(), telemetry=[exported.telemetry], **DEFAULTS)
    await auth.initialize_db()
    await auth.accounts.create("ada", "ada@example.com", PASSWORD)

    with pytest.raises(UserExistsException):
        await auth.accounts.create("ada", "ada@example.com", PASSWORD)
    await auth.close()

    spans = [span for span in exported.spans() if span.name == "fastauth.store.add_user"]
    assert [(span.status.status_code, dict(span.attributes)) for span in spans] == 2 * [(StatusCode.UNSET, {})]


def test_without_an_sdk_nothing_is_kept_and_nothing_fails() -> None:
    """By default it is told to the global providers, which do nothing until the app has set some."""
    telemetry = OpenTelemetry()

    with telemetry.span("store.get_user"):
        telemetry.refreshed("rotated")

    assert telemetry
