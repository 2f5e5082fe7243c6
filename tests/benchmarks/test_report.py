"""What the benchmarks make of their numbers: statistics, the table of figures, and what is written where."""

import importlib
import json
from pathlib import Path

import click
import pytest

from benchmarks import publish
from benchmarks.compare import compare
from benchmarks.figures import FIGURES, GROUPS, at_least, at_most
from benchmarks.plots import save
from benchmarks.processes import ROOT
from benchmarks.report import details, table
from benchmarks.results import Measured, Results
from benchmarks.samples import Spread, percentile, ratios, spread
from benchmarks.traffic import Refreshes, addresses, request

SERIES = {
    "ping": {"FastAuth": {"every_ms": 50, "worst_ms": [1.0, 2.5, 900.0]}},
    "growth": {"users/get": {"10000": [1.1, 1.0, 1.2]}, "roles/get": {"100": [1.3, 1.2, 1.4]}},
    "tokens": {"HS256": {"sign": 7.0, "a bare HMAC": 1.9}, "RS256": {"sign": 300.0}},
    "rates": {"account/core": {"ours": 900.0, "floor": 1000.0}},
}


def results(*measured: Measured) -> Results:
    machine = {"cores": 2, "processor": "a processor", "memory_gb": 4, "system": "Linux 6"}
    made = Results("full", machine, {"python": "3.11"}, series=SERIES)
    for each in measured:
        made.add(each)
    return made


def test_a_median_comes_with_the_middle_half() -> None:
    """A figure is the median of its samples, and its spread the quartiles."""
    assert spread([4, 1, 3, 2, 5]) == Spread(3, 2, 4, 5)


def test_nothing_measured_is_no_figure() -> None:
    """Without samples there is no median to be quoted."""
    with pytest.raises(ValueError, match="Nothing"):
        spread([])


def test_what_disturbs_both_of_a_pair_does_not_count() -> None:
    """The ratio is taken within each pair, so that a machine that halves its speed changes nothing."""
    assert ratios([100, 50, 100], [200, 100, 200]) == Spread(0.5, 0.5, 0.5, 3)


def test_a_percentile_lies_between_its_neighbours() -> None:
    """The 99th percentile of few samples is interpolated, and the 100th is the largest."""
    assert percentile([0, 100], 99) == pytest.approx(99)
    assert percentile([3, 1, 2], 100) == 3


def test_goals_are_bounds_from_either_side() -> None:
    """A goal is reached at its very bound."""
    assert at_least(0.9).is_reached(0.9)
    assert not at_least(0.9).is_reached(0.89)
    assert at_most(15).is_reached(15)
    assert not at_most(15).is_reached(15.1)


def test_each_figure_is_measured_by_a_group() -> None:
    """Keys are unique, each group is a module that runs, and names its figures where it measures them."""
    keys = [figure.key for figure in FIGURES]
    sources = {group: (ROOT / "benchmarks" / "groups" / f"{group}.py").read_text("utf-8") for group in GROUPS}

    assert len(keys) == len(set(keys))
    for figure in FIGURES:
        names = (figure.key, f'f"{figure.key.partition("/")[0]}/{{')
        assert any(name in sources[figure.group] for name in names), figure.key


def test_either_of_two_goals_will_do() -> None:
    """Where a figure has two measures, one of them is enough; a row says what both were."""
    made = results(
        Measured("ping/16", spread([12.0]), second=spread([1.5])),
        Measured("ping/200", spread([12.0]), second=spread([2.5])),
    )

    assert [each.reached for each in made.measured.values()] == [True, False]
    assert "| ≤ 10 ms over idle, or ≤ 2 x the burners | 12 ms over idle; 1.50 x the burners |" in table(made)


def test_the_table_says_what_was_missed() -> None:
    """A missed goal is called so, with its spread; what was not measured has no row; rows keep the table's order."""
    made = results(
        Measured("import", spread([100.0, 110.0, 120.0])),
        Measured("account/core", spread([0.95, 0.96, 0.97]), cpu=spread([0.9]), note="in a test"),
    )

    _, _, first, second = table(made).splitlines()

    assert first.startswith("| GET with `current_account`, SQLite (in a test) |")
    assert first.endswith("| ≥ 0.9 x | 0.96 x | 0.95 to 0.96 | 0.90 | reached |")
    assert second.endswith("| ≤ 40 ms | 110 ms | 105 to 115 |  | **missed** |")


def test_a_table_of_some_figures_has_no_others() -> None:
    """The README shows a choice of the rows."""
    made = results(Measured("import", spread([1.0])), Measured("memory", spread([1.0])))

    assert "memory" not in table(made, ["import"])


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """The JSON holds the figures with their verdicts, and comes back as the same results."""
    made = results(Measured("ping/16", spread([1.0, 2.0]), second=spread([3.0]), note="a note"))
    made.write(tmp_path / "results.json")

    assert Results.read(tmp_path / "results.json") == made
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))["figures"][0]["reached"] is True


def test_two_runs_stand_beside_each_other() -> None:
    """Each ratio that both have is compared, and what is further apart than 15 % stands out; milliseconds are not."""
    first = results(Measured("account/core", spread([0.8])), Measured("workers", spread([1.0])))
    second = results(
        Measured("account/core", spread([0.9])), Measured("workers", spread([1.5])), Measured("import", spread([1.0]))
    )
    first.day, second.day = "2026-01-01", "2026-01-02"

    shown = compare(first, second)

    assert shown.startswith("1 of 2 ratios are within 15% of those of 2026-01-01:")
    assert "| 0.80 | 0.90 | +12% |" in shown
    assert "| 1.00 | 1.50 | **+50%** |" in shown
    assert "import" not in shown


def test_a_run_of_another_day_is_kept_beside_the_published_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is published again on its day takes its place; one of a later day is shown beside it."""
    monkeypatch.setattr(publish, "_ASSETS", tmp_path)
    monkeypatch.setattr(publish, "save", lambda _results, _folder: [])
    pages: list[str] = []
    monkeypatch.setattr(publish, "_write_between_markers", lambda _path, section: pages.append(section))
    for day, value in (("2026-01-01", 1.0), ("2026-01-01", 0.8), ("2026-01-02", 0.9), ("2026-01-02", 0.88)):
        made = results(Measured("account/core", spread([value])))
        made.day = day
        publish.publish(made)

    assert ["2026-01-01:" in page for page in pages[::2]] == [False, False, True, True]
    assert "| 0.80 | 0.88 | +10% |" in pages[-2]
    assert Results.read(tmp_path / "results.json").day == "2026-01-02"


def test_details_show_each_series() -> None:
    """Below the figures stand the tables of tokens and rates, with a gap where a case is not measured."""
    shown = details(results())

    assert "| a bare HMAC | 1.9 |  |" in shown
    assert "| `account/core` | 900 | 1,000 |" in shown


def test_what_stands_between_the_markers_is_replaced() -> None:
    """A section is written between its markers, and the page around it stays."""
    page = f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n"

    assert publish.with_section(page, "new") == f"before\n{publish.BEGIN}\n\nnew\n\n{publish.END}\nafter\n"
    with pytest.raises(ValueError, match="benchmarks"):
        publish.with_section("a page without markers", "new")


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_the_pages_have_their_markers(page: str) -> None:
    """The pages that results are written into can take them."""
    text = (ROOT / page).read_text("utf-8")

    assert publish.with_section(text, "new").count("new\n\n<!-- end") == 1


def test_pictures_are_drawn(tmp_path: Path) -> None:
    """There is a picture of ratios, of ``/ping`` over time and of growth, each as SVG and as PNG."""
    pytest.importorskip("matplotlib")
    made = results(Measured("account/core", spread([0.95, 0.97])), Measured("workers", spread([1.5])))

    assert save(made, tmp_path) == ["ratios", "ping", "growth"]
    assert len(list(tmp_path.glob("*.svg"))) == len(list(tmp_path.glob("*.png"))) == 3


def test_an_empty_run_draws_nothing(tmp_path: Path) -> None:
    """Without numbers there are no pictures, and matplotlib is not asked for."""
    assert save(Results("quick", {}, {}), tmp_path) == []


def test_people_come_from_addresses_of_their_own() -> None:
    """Each request has another client's address, as a proxy would report it."""
    some = addresses()

    assert len({next(some) for _ in range(70_000)}) == 70_000


def test_a_request_is_whole() -> None:
    """A POST says how long its body is."""
    assert request("POST", "/token", body=b"ab") == (
        b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nab"
    )


def test_refreshes_present_the_newest_token() -> None:
    """A session's next refresh presents what the last one answered, or the old one where nothing new came."""
    traffic = Refreshes("/token/refresh", ["first"])
    traffic.next()
    traffic.answered(b'{"refresh_token": "second"}')
    second = traffic.next()
    traffic.answered(b'{"access_token": "without another refresh token"}')

    assert b'"second"' in second
    assert b'"second"' in traffic.next()


def test_a_run_that_broke_off_goes_on_with_what_it_has(tmp_path: Path) -> None:
    """What was measured stays, and a group is done when all its figures are there."""
    saved = tmp_path / "results.json"
    results(Measured("import", spread([30.0, 31.0, 32.0])), Measured("verify/first", spread([1.2]))).write(saved)

    resumed = results().resumed(saved)

    assert resumed.measured["import"].value.median == 31
    assert resumed.has("imports", peers=False)
    assert not resumed.has("tokens", peers=False)


def test_a_run_does_not_go_on_with_another(tmp_path: Path) -> None:
    """Figures of other versions do not stand beside those of this run, and there has to be a run to go on with."""
    saved = tmp_path / "results.json"
    with pytest.raises(click.UsageError, match="there is no run"):
        results().resumed(saved)
    other = results()
    other.versions["fastapi"] = "0.1"
    other.write(saved)

    with pytest.raises(click.UsageError, match="its versions"):
        results().resumed(saved)


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_can_be_run(group: str) -> None:
    """Each group is importable with what the tests install, and has what the command calls."""
    module = importlib.import_module(f"benchmarks.groups.{group}")

    assert callable(module.run)
