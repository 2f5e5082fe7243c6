"""Several telemetries are told the same, and none costs nothing."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone

import pytest

from fastauth.core.events import UserDisabled
from fastauth.core.telemetry import SILENT, Telemetries
from tests.telemetry.recorder import Recorder


def tell(telemetry: Telemetries) -> None:
    """Tell it one thing of each kind."""
    telemetry.happened(UserDisabled(at=datetime.now(timezone.utc), user_id="7"))
    telemetry.refreshed("rotated")
    telemetry.token_rejected("expired")
    telemetry.rate_limited("sign_in")
    telemetry.store_called("authenticate", 0.1, "ok")
    telemetry.password_hashed("verify", 0.1, 0.2)
    telemetry.passwords_waiting(1)
    with telemetry.span("store.authenticate"):
        telemetry.passwords_waiting(-1)


@pytest.mark.parametrize("count", [1, 2])
def test_each_telemetry_is_told_everything(count: int) -> None:
    """Every one of them hears the same, in the same order, and everything."""
    recorders = [Recorder() for _ in range(count)]

    tell(Telemetries(recorders))

    assert [recorder.told for recorder in recorders] == count * [
        [
            ("event", "user.disabled"),
            ("refresh", "rotated"),
            ("rejection", "expired"),
            ("limit", "sign_in"),
            ("store", "authenticate", "ok"),
            ("password", "verify"),
            ("waiting", 1),
            ("begin", "store.authenticate"),
            ("waiting", -1),
            ("end", "store.authenticate"),
        ]
    ]


def test_nobody_may_be_told() -> None:
    """With no telemetry, everything can be said and nothing comes of it."""
    tell(SILENT)

    assert not SILENT


def test_a_span_that_cannot_begin_ends_those_that_have() -> None:
    """Where the second of two spans fails to begin, the first one is ended."""

    class Failing(Recorder):
        def span(self, name: str, /) -> AbstractContextManager[None]:
            raise RuntimeError(name)

    recorder = Recorder()

    with pytest.raises(RuntimeError, match="work"), Telemetries([recorder, Failing()]).span("work"):
        nullcontext()

    assert recorder.about("begin", "end") == [("begin", "work"), ("end", "work")]
