"""Two runs beside each other: how far apart their ratios are."""

from benchmarks.figures import FIGURES
from benchmarks.report import markdown
from benchmarks.results import Results

NEAR = 0.15
"""As far apart as two runs on the same machine may be."""


def compare(before: Results, after: Results) -> str:
    """Return a row for each ratio that both runs have, with what the second has beyond the first, in percent.

    Args:
        before: A run.
        after: A later one.
    """
    rows = [
        (figure.what, figure.against, f"{first:.2f}", f"{second:.2f}", _apart(first, second))
        for figure in FIGURES
        if figure.unit == "x" and figure.key in before.measured and figure.key in after.measured
        for first, second in [(before.measured[figure.key].value.median, after.measured[figure.key].value.median)]
    ]
    far = sum("**" in row[-1] for row in rows)
    said = f"{len(rows) - far} of {len(rows)} ratios are within {NEAR:.0%} of those of {before.day}"
    return f"{said}:\n\n{markdown(('figure', 'beside', before.day, after.day, 'apart'), rows)}"


def _apart(first: float, second: float) -> str:
    share = second / first - 1
    return f"{share:+.0%}" if abs(share) <= NEAR else f"**{share:+.0%}**"
