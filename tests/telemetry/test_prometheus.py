"""Metrics for Prometheus: their names and labels are a contract with dashboards and alerts."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from fastauth import ConfigurationError
from fastauth.core.events import SignInFailed, UserDisabled
from fastauth.telemetry.prometheus import PrometheusTelemetry
from tests.docs.pages import DOCS

NOW = datetime.now(timezone.utc)


def samples(metrics: PrometheusTelemetry) -> dict[str, float]:
    """Return what is exposed, but for when it was first counted and the buckets."""
    text = metrics.exposition("")[0].decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if "_created" not in name and "_bucket" not in name}


@pytest.fixture
def metrics() -> PrometheusTelemetry:
    """Metrics in a registry of their own."""
    return PrometheusTelemetry(CollectorRegistry())


def test_what_is_told_is_counted(metrics: PrometheusTelemetry) -> None:
    """Each thing that is told is a sample with a stable name, and labels of few values."""
    metrics.happened(UserDisabled(at=NOW, user_id="7"))
    metrics.happened(SignInFailed(at=NOW, login="ada", reason="FASTAUTH_INVALID_CREDENTIALS"))
    metrics.refreshed("rotated")
    metrics.token_rejected("expired")
    metrics.rate_limited("sign_in")
    metrics.store_called("authenticate", 0.25, "ok")
    metrics.password_hashed("verify", 0.5, 0.25)
    metrics.passwords_waiting(1)
    with metrics.span("store.authenticate"):
        metrics.passwords_waiting(1)

    assert {name: value for name, value in samples(metrics).items() if value} == {
        'fastauth_events_total{event="user.disabled"}': 1,
        'fastauth_events_total{event="session.refused"}': 1,
        'fastauth_sign_ins_total{outcome="FASTAUTH_INVALID_CREDENTIALS"}': 1,
        'fastauth_refreshes_total{outcome="rotated"}': 1,
        'fastauth_token_rejections_total{reason="expired"}': 1,
        'fastauth_rate_limited_total{route="sign_in"}': 1,
        'fastauth_store_call_seconds_count{outcome="ok",verb="authenticate"}': 1,
        'fastauth_store_call_seconds_sum{outcome="ok",verb="authenticate"}': 0.25,
        "fastauth_password_wait_seconds_count": 1,
        "fastauth_password_wait_seconds_sum": 0.5,
        'fastauth_password_work_seconds_count{work="verify"}': 1,
        'fastauth_password_work_seconds_sum{work="verify"}': 0.25,
        "fastauth_passwords_waiting": 2,
    }


def test_the_format_is_the_one_that_the_scraper_prefers(metrics: PrometheusTelemetry) -> None:
    """OpenMetrics is spoken to whoever asks for it."""
    content, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert content.endswith(b"# EOF\n")


def test_metrics_that_are_there_already_are_refused_with_what_to_do() -> None:
    """Two of them in one registry are an error when they are made; a namespace of its own helps."""
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)

    with pytest.raises(ConfigurationError, match="a registry or a namespace of its own"):
        PrometheusTelemetry(registry)
    other = PrometheusTelemetry(registry, namespace="staff")
    other.refreshed("reused")
    assert samples(other)['staff_refreshes_total{outcome="reused"}'] == 1


def test_worker_processes_are_counted_together(tmp_path: Path) -> None:
    """With PROMETHEUS_MULTIPROC_DIR, any process tells the sum of all of them."""
    code = (
        "from fastauth.telemetry.prometheus import PrometheusTelemetry\n"
        "metrics = PrometheusTelemetry()\n"
        "metrics.refreshed('rotated')\n"
        "print(metrics.exposition('')[0].decode())"
    )

    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]

    assert 'fastauth_refreshes_total{outcome="rotated"} 2.0' in told[1].splitlines()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """The dashboard of the documentation shows every metric of ours, and asks for no other, nor for other labels."""
    dashboard = json.loads((DOCS / "assets" / "grafana-dashboard.json").read_text("utf-8"))
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)
    families = {family.name: family for family in registry.collect()}

    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {
        re.sub(r"_(total|bucket|count|sum)$", "", name) for each in asked for name in re.findall(r"fastauth_\w+", each)
    }
    assert names == families.keys()
    assert set(re.findall(r"by \(([^)]*)\)", " ".join(asked))) <= {
        "outcome",
        "reason",
        "le, verb",
        "verb",
        "le",
        "route",
        "event",
    }


def test_the_page_wakes_people_by_series_that_there_are() -> None:
    """Each alert of the documentation is on a series that Prometheus gets, and not on the name of a histogram."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)
    series = {family.name + suffix for family in registry.collect() for suffix in suffixes[family.type]}

    alerts = re.findall(r"^- `(\w+)", (DOCS / "observability.md").read_text("utf-8"), re.MULTILINE)
    assert len(alerts) == 4
    assert set(alerts) <= series
