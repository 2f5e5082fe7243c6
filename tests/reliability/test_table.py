"""The list of scenarios and the table that is published of them."""

from pathlib import Path

import pytest

from tests.reliability import report
from tests.reliability.registry import IDS, Figure, all_scenarios, scenario


def test_every_scenario_of_the_plan_runs() -> None:
    """Each of RL-1 to RL-26 has a scenario."""
    assert len(IDS) == 26
    assert {each.id for each in all_scenarios()} == set(IDS)


def test_the_published_table_has_nothing_that_does_not_run() -> None:
    """Each row of the page is of a scenario that there is, and none says that it was missed."""
    rows = report.published()

    assert {row.key for row in rows} <= set(report.wanted())
    assert not [row for row in rows if "MISSED" in row.reached]


def test_a_published_row_is_read_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published of a run is replaced by the next one of as many trials, and the other rows stay."""
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{report.BEGIN}\n{report.END}\n\nAfter.\n")
    monkeypatch.setattr(report, "PAGE", page)
    each = next(iter(all_scenarios()))
    first, second, *_ = [report.row_of(each, store, Figure(trials=3).says("a | b < c")) for store in each.stores]

    report.publish([first, second])
    report.publish([second._replace(reached="better"), first._replace(reached="in one trial", trials="1")])
    rows = {row.store: row for row in report.published() if row.id == each.id}

    assert (rows[first.store].reached, rows[first.store].trials) == ("a / b &lt; c", "3")
    assert rows[second.store].reached == "better"
    assert page.read_text().startswith("# Before")
    assert page.read_text().endswith("After.\n")


def test_what_a_run_has_said_can_be_published_later() -> None:
    """A line that was saved of a run makes the row that the run makes; one of a figure that was missed makes none."""
    each = next(iter(all_scenarios()))
    store = each.stores[0]
    reached, missed = Figure(trials=3).says("one (of two) each"), Figure(trials=3, misses=["two"]).says("one each")
    lines = [report.line_of(each, store, figure, 4.4) for figure in (reached, missed)]

    rows = report.rows_of(["something else\n", *lines, "2 figures, 1 missed, in 9 s"])

    assert rows == [report.row_of(each, store, reached)]


def test_a_figure_that_was_missed_says_so_first() -> None:
    """The line of a scenario that misses its figure begins with how often, and what was seen."""
    figure = Figure()
    figure.trial(True, "never seen")
    figure.trial(False, "two rotations")

    assert figure.says("one each").reached == "MISSED 1 times (two rotations): one each"
    assert figure.trials == 2


def test_a_scenario_that_the_plan_does_not_have_is_refused() -> None:
    """The id of a scenario is one of the plan's."""
    with pytest.raises(ValueError, match="RL-99"):
        scenario("RL-99", "t", "a", stores=())
