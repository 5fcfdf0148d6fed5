"""Shows how the running service looks on one screen, for `up` and `status`.

It writes tables for a terminal and a line for a log. Figures come in, text goes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table

from voc_stream.domain.scale import SCALES, show, show_interval, show_signed

if TYPE_CHECKING:
    from voc_stream.postgres.reading.summary import ExperienceSummary, Summary

NO_DATA = "-"


class Flow(NamedTuple):
    """How the events flow. `lag_events` wait in Kafka. None is no data."""

    events_per_second: float | None
    lag_events: int | None


def panel(summary: Summary, flow: Flow) -> Panel:
    """The summary for a terminal."""
    moment = f"{summary.as_of:%H:%M:%S} UTC" if summary.as_of else NO_DATA
    return Panel(
        figures_and_experiences(summary, flow),
        title="voc-stream  客户之声",
        subtitle=f"{moment} · Ctrl-C: stop 停止",
        expand=False,
    )


def figures_and_experiences(summary: Summary, flow: Flow) -> Columns:
    """The figures and the key experiences, side by side where there is room."""
    return Columns([_figures(summary, flow), _experiences(summary)], padding=(0, 4))


def line(summary: Summary, flow: Flow) -> str:
    """The summary for a log."""
    parts = [
        f"events {summary.events}",
        f"lag {NO_DATA if flow.lag_events is None else flow.lag_events}",
        f"orders {summary.orders}",
        f"on time {_share(summary.on_time_share)}{_of(summary.on_time_n)}",
        f"complaints open {summary.complaints_open}",
        f"customers at risk {summary.customers_at_risk}",
        f"refused {summary.dead_letters}",
    ]
    parts += [f"best {_brief(summary.best[0])}"] if summary.best else []
    parts += [f"worst {_brief(summary.worst[0])}"] if summary.worst else []
    return " | ".join(parts)


def _figures(summary: Summary, flow: Flow) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column(style="dim")
    speed = "" if flow.events_per_second is None else f"{flow.events_per_second:,.0f}/s"
    table.add_row("events 事件", f"{summary.events:,}", speed)
    table.add_row("waiting 待处理", _number(flow.lag_events))
    table.add_row("refused 拒收", f"{summary.dead_letters:,}")
    table.add_row("orders 工单", f"{summary.orders:,}", f"open 未交付 {summary.orders_open:,}")
    table.add_row("on time 按时交付", _share(summary.on_time_share), f"of 共 {summary.on_time_n:,}")
    table.add_row("open complaints 未结投诉", f"{summary.complaints_open:,}")
    table.add_row(
        "customers at risk 流失风险",
        f"{summary.customers_at_risk:,}",
        f"of 共 {summary.customers:,}",
    )
    table.add_row(
        "value at risk 风险价值",
        NO_DATA if summary.value_at_risk is None else f"{summary.value_at_risk:,.0f}",
    )
    return table


def _experiences(summary: Summary) -> Table:
    table = Table(
        title=f"key experiences 关键体验 · {summary.horizon}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("experience 体验")
    table.add_column("n", justify="right")
    table.add_column("mean 均值", justify="right")
    table.add_column("95 %", justify="right")
    table.add_column("satisfaction 满意度", justify="right")
    table.add_column("stated 期望数", justify="right")
    for row, style in [
        *((each, "green") for each in summary.best),
        *((each, "red") for each in reversed(summary.worst)),
    ]:
        scale = SCALES[row.scale]
        satisfaction = NO_DATA if row.satisfaction is None else show_signed(scale, row.satisfaction)
        table.add_row(
            f"{row.label_en} {row.label_zh}",
            f"{row.n:,}",
            show(scale, row.mean)[0],
            show_interval(scale, row.low, row.high) or NO_DATA,
            satisfaction,
            f"{row.expectation_n:,}",
            style=style,
        )
    if not summary.best and not summary.worst:
        table.add_row(NO_DATA, style="dim")
    return table


def _brief(row: ExperienceSummary) -> str:
    scale = SCALES[row.scale]
    interval = show_interval(scale, row.low, row.high)
    counted = f"n={row.n}, {interval}" if interval else f"n={row.n}"
    return f"{row.experience} {show(scale, row.mean)[0]} ({counted})"


def _of(count: int) -> str:
    return f" (n={count})" if count else ""


def _number(value: int | None) -> str:
    return NO_DATA if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return NO_DATA if value is None else f"{value:.0%}"
