"""The pictures: bars of ratios with the floor at 1, ``/ping`` over time beside a storm of sign-ins, and growth."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.figures import FIGURES
from benchmarks.results import Results

_OURS, _OTHERS, _GOAL, _FLOOR = "#00897b", "#90a4ae", "#d81b60", "#37474f"
_COLOURS = ("#00897b", "#d81b60", "#1e88e5", "#fb8c00", "#8e24aa", "#6d4c41", "#43a047", "#3949ab")


def figures_of(results: Results) -> Mapping[str, Any]:
    """Return the pictures that these results have enough for, by name, as Matplotlib's figures."""
    makers: Mapping[str, Callable[[Results], Any]] = {"ratios": _ratios, "ping": _ping, "growth": _growth}
    drawn = {name: maker(results) for name, maker in makers.items()}
    return {name: each for name, each in drawn.items() if each is not None}


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    # Text stays text, and two runs with the same numbers write the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fastauth", "font.size": 9})
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    drawing, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return drawing, axes


def _ratios(results: Results) -> Any:
    shown = [
        figure
        for figure in FIGURES
        if figure.key in results.measured and figure.unit == "x" and (figure.goal is None or figure.goal.at_least)
    ]
    if not shown:
        return None
    drawing, axes = _canvas(9, 0.9 + 0.42 * len(shown))
    for place, figure in enumerate(reversed(shown)):
        measured = results.measured[figure.key]
        value = measured.value
        axes.barh(place, value.median, color=_OURS if figure.peer is None else _COLOURS[2], height=0.62)
        axes.plot([value.low, value.high], [place, place], color=_FLOOR, linewidth=1.4)
        if figure.goal is not None:
            axes.plot([figure.goal.limit] * 2, [place - 0.38, place + 0.38], color=_GOAL, linewidth=2)
        shown_at = max(value.high, value.median, figure.goal.limit if figure.goal else 0)
        axes.text(shown_at, place, f"  {value.median:.2f}", va="center", backgroundcolor="white", zorder=1.5)
    axes.axvline(1, color=_FLOOR, linewidth=1.2, linestyle="--")
    labels = [f"{figure.what}\nbeside {figure.against.replace('`', '')}".replace("`", "") for figure in reversed(shown)]
    axes.set_yticks(range(len(shown)), labels, fontsize=7.5)
    axes.set_xlabel("FastAuth's rate over the other's\ndashed: as fast; pink: the goal; thin line: the middle half")
    axes.set_xlim(0, max(results.measured[figure.key].value.high for figure in shown) * 1.12)
    axes.margins(y=0.01)
    return drawing


def _ping(results: Results) -> Any:
    series: Mapping[str, Mapping[str, Any]] = results.series.get("ping", {})
    if not series:
        return None
    drawing, axes = _canvas(9, 4.2)
    for colour, (name, line) in zip(_COLOURS, series.items(), strict=False):
        worst: list[float] = line["worst_ms"]
        seconds = [number * line["every_ms"] / 1000 for number in range(len(worst))]
        axes.plot(seconds, worst, label=name, color=colour, linewidth=2 if name == "FastAuth" else 1.2)
    axes.axvline(1, color=_FLOOR, linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.set_xlabel("seconds; sixteen sign-ins at once, without pause, from the dotted line on")
    axes.set_ylabel("GET /ping: worst time, ms")
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.14))
    return drawing


def _growth(results: Results) -> Any:
    series: Mapping[str, Mapping[str, list[float]]] = results.series.get("growth", {})
    if not series:
        return None
    drawing, axes = _canvas(9, 4.2)
    for colour, (name, curve) in zip(_COLOURS, series.items(), strict=False):
        start = 1 if name.startswith("roles/") else 1000
        sizes = [start, *(int(size) for size in curve)]
        style = {"users": "-", "sessions": "--", "roles": ":"}[name.partition("/")[0]]
        medians = [1.0, *(values[0] for values in curve.values())]
        axes.plot(sizes, medians, style, marker="o", markersize=4, label=name, color=colour)
    axes.axhline(1.2, color=_GOAL, linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("how many users, sessions or roles; pink: the goal")
    axes.set_ylabel("time over that of the smallest")
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.2))
    return drawing


def save(results: Results, folder: Any) -> list[str]:
    """Write every picture as SVG and as PNG, and return their names."""
    names: list[str] = []
    for name, drawing in figures_of(results).items():
        drawing.savefig(folder / f"{name}.svg", metadata={"Date": None})
        drawing.savefig(folder / f"{name}.png", dpi=130, metadata={"Software": None})
        names.append(name)
    return names
