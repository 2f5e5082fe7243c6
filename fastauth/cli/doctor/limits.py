"""Where attempts are counted, and whether all processes count together."""

from collections.abc import Iterator

from fastauth.cli.doctor.diagnosis import Diagnosis, ok, problem, warning
from fastauth.core.settings import LimitSettings


def check_limits(limits: LimitSettings | None, *, production: bool) -> Iterator[Diagnosis]:
    """Ask whether guessing is limited, over all processes together.

    Args:
        limits: The app's own.
        production: Whether strict checks are on.
    """
    if limits is None:
        bad = problem if production else warning
        yield bad("Rate limits", "limits=None: passwords may be guessed as often as one likes", "leave limits=None out")
    elif not limits.storage.startswith("memory:"):
        yield ok("Rate limits", "counted by all processes together")
    elif production:
        yield warning(
            "Rate limits",
            "they are counted in memory: with several workers each lets through as much, and a restart forgets",
            "name a storage that all share: limits=LimitSettings(storage='redis://...')",
        )
    else:
        yield ok("Rate limits", "counted in memory, which is enough for one process")
