"""What charts say of empty and constant series, and in words."""

from gateway.surfaces.console.charts import Series, stacked
from gateway.surfaces.console.health import charts_of


def test_nothing_is_a_chart_without_bars() -> None:
    chart = stacked("Runs", [], [], 15)

    assert (list(chart.bars), list(chart.moments)) == ([], [])
    assert chart.told == "Runs: none."
    assert [level.label for level in chart.levels] == ["0", "1", "2"]


def test_only_zeros_say_none() -> None:
    chart = stacked("Runs", [Series("failed", "bad", [0, 0])], ["11:00", "11:01"], 1)

    assert list(chart.bars) == []
    assert chart.told == "Runs: none."
    assert [moment.label for moment in chart.moments] == ["11:00", "11:01"]


def test_a_constant_series_has_equal_bars() -> None:
    chart = stacked("Runs", [Series("done", "good", [3] * 5)], list("abcde"), 15)

    assert len(chart.bars) == 5
    assert len({(bar.y, bar.width, bar.height) for bar in chart.bars}) == 1
    assert chart.levels[-1].label == "4"


def test_the_words_tell_totals_and_the_most() -> None:
    series = [Series("done", "good", [1, 1500, 0]), Series("failed", "bad", [0, 2, 3])]

    chart = stacked("Runs", series, ["11:00", "11:01", "11:02"], 15)

    assert chart.told == "Runs: done 1,501, failed 5. Most at 11:01: 1,502."
    assert [level.label for level in chart.levels] == ["0", "1k", "2k"]


def test_minutes_become_three_charts() -> None:
    figures = dict.fromkeys(
        (
            *("runsCompleted", "runsStopped", "runsFailed", "stepsCompleted", "stepsFailed"),
            *("callsAllowed", "callsDenied"),
        ),
        1,
    )
    minutes = [{"at": f"2026-03-01T09:{n:02}:00.000000Z", **figures} for n in range(60)]

    runs, steps, calls = charts_of(minutes)

    assert [one.name for one in runs.series] == ["completed", "stopped", "failed"]
    assert [one.name for one in steps.series] == ["completed", "failed"]
    assert [one.tone for one in calls.series] == ["busy", "warn"]
    assert [moment.label for moment in runs.moments] == ["09:00", "09:15", "09:30", "09:45"]
    assert len(calls.bars) == 120
