"""`voc-stream status`: lag, last commit, key experiences, customers at risk, firing alerts."""

from __future__ import annotations

import io
import os
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group

from voc_stream.cli.screen.summary_view import NO_DATA, Flow, figures_and_experiences
from voc_stream.cli.screen.terminal import console, say, table
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.pipeline.lag import lags
from voc_stream.postgres.reading.summary import read_status
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from voc_stream.pipeline.ports import Partition
    from voc_stream.postgres.reading.summary import (
        CustomerAtRisk,
        FiringAlert,
        PartitionStatus,
        Summary,
    )

PICTURE_WIDTH = 184


@click.command(name="status")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the summary to this file, too, as a picture.",
)
def command(svg: Path | None) -> None:
    """Show lag, last commit, key experiences, customers at risk and alerts."""
    settings = load_settings(os.environ)
    status = read_status(settings.require_database_url())
    waiting, problem = None, None
    try:
        waiting = lags(read_log_ends(settings), status.positions)
    except TopicsError as error:
        problem = error
    lag = None if waiting is None else sum(waiting.values())
    now = datetime.now(UTC)
    console().print(
        Group(
            figures_and_experiences(status.summary, Flow(None, lag)),
            "",
            _topics(status.partitions, waiting, now),
            "",
            _customers(status.customers_at_risk),
            "",
            _alerts(status.alerts, now),
            *_histories(status.histories_pending),
        )
    )
    if svg is not None:
        svg.write_text(_picture(status.summary, Flow(None, lag)), encoding="utf-8")
    if problem is not None:
        say(f"Lag is unknown: {problem}", error=True)


def _picture(summary: Summary, flow: Flow) -> str:
    """The summary as SVG, in the reader's own monospace font."""
    recording = console(record=True, width=PICTURE_WIDTH, file=io.StringIO())
    recording.print(figures_and_experiences(summary, flow))
    drawn = recording.export_svg(title="voc-stream  客户之声")
    return re.sub(r"@font-face {.*?}\n", "", drawn, flags=re.DOTALL)


def _topics(
    partitions: Sequence[PartitionStatus], waiting: Mapping[Partition, int] | None, now: datetime
) -> Table:
    topics = table(
        "topic 主题",
        "partitions 分区",
        "taken in 已读",
        "waiting 待处理",
        "last commit 最近提交",
        "latest event 最新事件",
    )
    rows: dict[str, list[PartitionStatus]] = defaultdict(list)
    for row in partitions:
        rows[row.topic].append(row)
    events: Counter[str] = Counter()
    for partition, messages in (waiting or {}).items():
        events[partition.topic] += messages
    for topic in sorted(rows.keys() | events.keys()):
        known = rows[topic]
        topics.add_row(
            topic,
            str(len(known)),
            f"{sum(row.next_offset for row in known):,}",
            NO_DATA if waiting is None else f"{events[topic]:,}",
            _ago(max((row.updated_at for row in known), default=None), now),
            _ago(
                max((row.event_time for row in known if row.event_time is not None), default=None),
                now,
            ),
        )
    return topics


def _customers(customers: Sequence[CustomerAtRisk]) -> Table | str:
    if not customers:
        return "No customer is at high risk of leaving. 没有高流失风险客户。"
    at_risk = table(
        "customer at risk 流失风险客户",
        "risk 风险",
        "band 等级",
        "value at risk 风险价值",
        "strongest reason 主要原因",
    )
    for one in customers:
        value = NO_DATA if one.value_at_risk is None else f"{one.value_at_risk:,.0f}"
        at_risk.add_row(
            one.customer_id, f"{one.risk:.0%}", one.band, value, one.strongest_driver or NO_DATA
        )
    return at_risk


def _alerts(alerts: Sequence[FiringAlert], now: datetime) -> Table | str:
    if not alerts:
        return "No alert is firing. 没有正在触发的告警。"
    firing = table("alert 告警", "severity 严重程度", "scope 范围", "since 开始", "summary 摘要")
    for alert in alerts:
        firing.add_row(
            alert.rule,
            alert.severity,
            f"{alert.scope_type} {alert.scope}",
            _ago(alert.started_at, now),
            alert.summary,
        )
    return firing


def _histories(pending: int) -> list[str]:
    """What readers of segments and regions should know; nothing if there is nothing to know."""
    if not pending:
        return []
    return [
        "",
        (
            f"Customers whose earlier events are being moved to another segment or region"
            f" 历史数据重新归类中的客户:"
            f" {pending:,}"
        ),
    ]


def _ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says enough.

    >>> _ago(datetime(2026, 1, 5, 12, 0, tzinfo=UTC), datetime(2026, 1, 5, 12, 3, tzinfo=UTC))
    '3 min ago'
    """
    if moment is None:
        return NO_DATA
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
