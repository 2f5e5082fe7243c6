"""The results as Markdown, for people: the table of figures, and the smaller ones of tokens, passwords and rates."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.figures import FIGURES
from benchmarks.results import Measured, Results
from benchmarks.samples import Spread

_VERDICTS = {True: "reached", False: "**missed**", None: ""}


def table(results: Results, keys: Iterable[str] | None = None) -> str:
    """Return one row per figure that was measured: its goal, what was measured with its spread, and the verdict.

    Args:
        results: A run's.
        keys: Only these; None for all.
    """
    chosen = None if keys is None else set(keys)
    rows = [
        _row(results.measured[figure.key])
        for figure in FIGURES
        if figure.key in results.measured and (chosen is None or figure.key in chosen)
    ]
    return markdown(("figure", "beside", "goal", "measured", "middle half", "by CPU time", ""), rows)


def _row(measured: Measured) -> Sequence[str]:
    figure = measured.figure
    goal = f"{figure.goal} {figure.unit}" if figure.goal else ""
    value, middle = _value(measured.value, figure.unit), _middle(measured.value)
    if measured.second is not None:
        goal += f", or {figure.second_goal} {figure.second_unit}"
        value += f"; {_value(measured.second, figure.second_unit)}"
        middle += f"; {_middle(measured.second)}"
    what = f"{figure.what} ({measured.note})" if measured.note else figure.what
    cpu = "" if measured.cpu is None else _number(measured.cpu.median)
    return what, figure.against, goal, value, middle, cpu, _VERDICTS[measured.reached]


def _value(value: Spread, unit: str) -> str:
    return f"{_number(value.median)} {unit}"


def _middle(value: Spread) -> str:
    return f"{_number(value.low)} to {_number(value.high)}" if value.count > 1 else ""


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def details(results: Results) -> str:
    """Return the tables below the one of figures: tokens, what bcrypt costs, its queue, and rates."""
    parts = [_tokens(results.series), _costs(results.series), _queue(results.series), _rates(results.series)]
    return "\n\n".join(part for part in parts if part)


def _tokens(series: dict[str, Any]) -> str:
    tokens: dict[str, dict[str, float]] = series.get("tokens", {})
    if not tokens:
        return ""
    cases = dict.fromkeys(case for row in tokens.values() for case in row)
    rows = [(case, *(f"{row[case]:.1f}" if case in row else "" for row in tokens.values())) for case in cases]
    return f"Microseconds for one token, in process:\n\n{markdown(('', *tokens), rows)}"


def _costs(series: dict[str, Any]) -> str:
    costs: dict[str, dict[str, float]] = series.get("bcrypt", {}).get("costs", {})
    if not costs:
        return ""
    names = list(next(iter(costs.values())))
    titles = [name.replace("_ms", ", ms").replace("per_second_on_", "a second, threads: ") for name in names]
    rows = [(cost, *(f"{row[name]:,.1f}" for name in names)) for cost, row in costs.items()]
    return f"bcrypt by its cost:\n\n{markdown(('cost', *titles), rows)}"


def _queue(series: dict[str, Any]) -> str:
    queue: dict[str, dict[str, float]] = series.get("bcrypt", {}).get("queue", {})
    if not queue:
        return ""
    cost = next(iter(queue.values()))["cost"]
    rows = [
        (number, f"{row['median_ms']:,.0f}", f"{row['longest_ms']:,.0f}", f"{row['refused']:.0f}")
        for number, row in queue.items()
    ]
    titles = ("at once", "median, ms", "longest, ms", "refused")
    return f"How long a verification waits in the pool, at cost {cost:.0f}:\n\n{markdown(titles, rows)}"


def _rates(series: dict[str, Any]) -> str:
    rates: dict[str, dict[str, float]] = series.get("rates", {})
    if not rates:
        return ""
    rows = [(f"`{key}`", f"{row['ours']:,.0f}", f"{row['floor']:,.0f}") for key, row in rates.items()]
    about = "Answers a second of one worker, which say more about the machine than about the apps"
    return f"{about}:\n\n{markdown(('figure', 'FastAuth', 'beside'), rows)}"


def provenance(results: Results) -> str:
    """Return what ran, and on what, in a sentence or two."""
    on = results.machine
    short = "" if results.mode == "full" else " It was a quick run, whose figures are rough."
    packages = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"Measured {_when(results)}on {on['cores']} cores of {on['processor']}, {on['memory_gb']} GB of memory, "
        f"{on['system']}, with {packages}.{short}"
    )


def _when(results: Results) -> str:
    return f"on {results.day}, " if results.day else ""


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
