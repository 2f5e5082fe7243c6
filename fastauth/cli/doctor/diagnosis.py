"""One line of a diagnosis: what, why, and the cure."""

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How much a line matters; only problems count in the exit status."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Diagnosis:
    """One line.

    Attributes:
        what: What was looked at.
        why: What was seen.
        cure: What to do; empty when all is well.
    """

    level: Level
    what: str
    why: str
    cure: str = ""


def ok(what: str, why: str) -> Diagnosis:
    """Return a line that says all is well."""
    return Diagnosis(Level.OK, what, why)


def warning(what: str, why: str, cure: str) -> Diagnosis:
    """Return a line about what may be wrong, or will be in production."""
    return Diagnosis(Level.WARNING, what, why, cure)


def problem(what: str, why: str, cure: str) -> Diagnosis:
    """Return a line about what is wrong."""
    return Diagnosis(Level.PROBLEM, what, why, cure)


def in_two(sentence: str) -> tuple[str, str]:
    """Return why and cure of one of our error messages, which say the cure last."""
    for gap in (". ", ": "):
        why, found, cure = sentence.rstrip(".").rpartition(gap)
        if found:
            return why, cure
    return sentence, "correct it, and ask again"
