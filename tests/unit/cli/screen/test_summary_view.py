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
    on_time_n=0,
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
    on_time_n=740,
    on_time_share=0.707,
    customers=900,
    customers_at_risk=12,
    value_at_risk=34567.8,
    best=[
        ExperienceSummary(
            "advisor_service", "Advisor", "服务顾问", 120, 9.12, 8.87, 9.29, 0.62, 7, "points"
        )
    ],
    worst=[
        ExperienceSummary(
            "fair_charge", "Fair charge", "收费合理", 33, 4.2, 3.4, 5.1, -3.3, 0, "points"
        ),
        ExperienceSummary("overall", "Overall", "总体", 40, 6, None, None, None, 0, "points"),
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
        "events 12345 | lag 1234 | orders 800 | on time 71% (n=740) | complaints open 0"
        " | customers at risk 12 | refused 0"
        " | best advisor_service 9.12 of 10 (n=120, 8.87 to 9.29)"
        " | worst fair_charge 4.20 of 10 (n=33, 3.40 to 5.10)"
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


def test_each_mean_stands_beside_of_how_many_it_is_and_how_sure() -> None:
    """Promised orders of the share on time; samples, interval and stated expectations."""
    rows = shown(BUSY, Flow(None, None)).splitlines()
    assert any("71%" in row and "740" in row for row in rows)
    [advisor] = [row for row in rows if "服务顾问" in row]
    assert advisor.split("服务顾问")[1].strip(" │").split("  ")[0] == "120"
    assert "8.87 to 9.29" in advisor
    assert advisor.strip(" │").endswith(" 7")


def test_each_measure_is_shown_in_its_unit() -> None:
    """A share is shown in percent and an NPS in its points, whatever the tables hold."""
    reached = ExperienceSummary(
        "reached", "Reached", "接通率", 50, 8.46, 7.2, 9.1, -0.54, 0, "share"
    )
    score = ExperienceSummary(
        "recommendation", "NPS", "净推荐值", 30, 1 / 3, -0.1, 0.6, 0.1, 3, "nps"
    )
    summary = BUSY._replace(best=[score], worst=[reached])
    assert line(summary, Flow(None, None)).endswith(
        "best recommendation NPS +33 (n=30, -10 to +60) | worst reached 84.6 % (n=50, 72.0 to 91.0)"
    )
    text = shown(summary, Flow(None, None))
    for figure in ("NPS +33", "+10", "84.6 %", "-5.4 pp"):
        assert figure in text
