from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console

from voc_stream.cli.screen.summary_view import Flow, line, panel
from voc_stream.postgres.reading.summary import ExperienceSummary, Summary

EMPTY = Summary(
    events=0,
    dead_letters=0,
    orders=0,
    orders_open=0,
    on_time_share=None,
    complaints_open=0,
    customers=0,
    customers_at_risk=0,
    value_at_risk=None,
    horizon="24h",
    best=(),
    worst=(),
    as_of=None,
)
BUSY = EMPTY._replace(
    events=12345,
    orders=800,
    orders_open=60,
    on_time_share=0.707,
    customers=900,
    customers_at_risk=12,
    value_at_risk=34567.8,
    best=[ExperienceSummary("advisor_service", "Advisor", "服务顾问", 120, 9.12, 0.62, "points")],
    worst=[
        ExperienceSummary("fair_charge", "Fair charge", "收费合理", 33, 4.2, -3.3, "points"),
        ExperienceSummary("overall", "Overall", "总体", 40, 6, None, "points"),
    ],
    as_of=datetime(2026, 3, 1, 8, 5, 9, tzinfo=UTC),
)


def shown(summary: Summary, flow: Flow) -> str:
    console = Console(width=140, color_system=None)
    with console.capture() as capture:
        console.print(panel(summary, flow))
    return capture.get()


def test_no_data_is_a_dash_and_not_a_zero() -> None:
    """What is unknown is shown as unknown, in both forms.

    A share of nothing, an unknown lag and an unknown value.
    """
    assert "on time -" in line(EMPTY, Flow(None, None))
    assert "lag -" in line(EMPTY, Flow(None, None))
    rows = {
        row.split()[1]: row
        for row in shown(EMPTY, Flow(None, None)).splitlines()
        if len(row.split()) > 2
    }
    assert "0" not in rows["waiting"]
    assert "0" not in rows["value"]


def test_line_can_be_read_by_programs() -> None:
    """The line of a log has plain numbers, the best and the worst experience with their counts."""
    assert line(BUSY, Flow(50.0, 1234)) == (
        "events 12345 | lag 1234 | orders 800 | on time 71% | complaints open 0 | customers at risk"
        " 12 | refused 0 | "
        "best advisor_service 9.12 of 10 (n=120) | worst fair_charge 4.20 of 10 (n=33)"
    )


def test_panel_shows_best_first_and_worst_last() -> None:
    """On a terminal the experiences run from the best to the worst, with both labels."""
    text = shown(BUSY, Flow(49.6, 0))
    assert (
        text.index("Advisor 服务顾问")
        < text.index("Overall 总体")
        < text.index("Fair charge 收费合理")
    )
    for figure in ("12,345", "50/s", "71%", "34,568", "+0.62", "-3.30", "08:05:09 UTC"):
        assert figure in text


def test_each_measure_is_shown_in_its_unit() -> None:
    """A share is shown in percent and an NPS in its points, whatever the tables hold."""
    reached = ExperienceSummary("reached", "Reached", "接通率", 50, 8.46, -0.54, "share")
    score = ExperienceSummary("recommendation", "NPS", "净推荐值", 30, 1 / 3, 0.1, "nps")
    summary = BUSY._replace(best=[score], worst=[reached])
    assert line(summary, Flow(None, None)).endswith(
        "best recommendation NPS +33 (n=30) | worst reached 84.6 % (n=50)"
    )
    text = shown(summary, Flow(None, None))
    for figure in ("NPS +33", "+10", "84.6 %", "-5.4 pp"):
        assert figure in text
