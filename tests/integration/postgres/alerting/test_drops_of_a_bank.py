"""The trade of docs/howto/add-a-measure.md, followed as a user would: an export, then a drop."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from documentation import DOCS, FENCE, read
from integration.postgres.store import NOW, Store, send

from voc_stream.catalogue.load import load_catalogue
from voc_stream.importing.apply import MappedEvent, map_rows
from voc_stream.importing.formats.csv_rows import read_csv
from voc_stream.importing.load_mapping import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from voc_stream.postgres.chores.postgres_chores import PostgresChores

PAGE = DOCS / "howto" / "add-a-measure.md"
BLOCKS = [(kind, text) for _, kind, text in FENCE.findall(read(PAGE))]
[CATALOGUE] = [text for kind, text in BLOCKS if kind == "toml" and "[flow.stages]" in text]
[MAPPING] = [text for kind, text in BLOCKS if kind == "toml" and "[[event]]" in text]
[EXPORT] = [text for kind, text in BLOCKS if kind == "csv"]
BEIJING = timedelta(hours=8)


def mapped(export: str) -> list[bytes]:
    """The events of an export, all of whose rows can be mapped."""
    found = list(map_rows(read_csv(io.StringIO(export)), parse_mapping(MAPPING, "page")))
    assert all(isinstance(each, MappedEvent) for each in found), found
    return [each.value for each in found if isinstance(each, MappedEvent)]


def requests(day: datetime, number: int, in_time_at_branch_2: float) -> Iterator[list[str]]:
    """Rows of the export: talks of one day at three branches, nine of ten signed in two days.

    At the second branch another share is signed by then.
    """
    random = Random(day.isoformat())
    for each in range(number):
        branch = 1 + each % 3
        share = in_time_at_branch_2 if branch == 2 else 0.9
        talk = day + BEIJING + timedelta(minutes=7 * each)
        signing = talk + timedelta(hours=20 if random.random() < share else 60)
        times = (talk, signing, signing + timedelta(minutes=30), signing + timedelta(hours=50))
        yield [
            f"L-{day:%d%m}-{each}",
            f"C-{day:%d%m}-{each}",
            f"branch-{branch}",
            *(f"{time:%d.%m.%Y %H:%M}" if time < NOW + BEIJING else "" for time in times),
        ]


def export_of(rows: Iterator[list[str]]) -> str:
    """The rows below the header of the page's export."""
    file = io.StringIO()
    csv.writer(file).writerows([EXPORT.splitlines()[0].split(","), *rows])
    return file.getvalue()


@pytest.fixture
def bank(store: Store, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "bank.toml"
    path.write_text(CATALOGUE, encoding="utf-8")
    with Store(store.url, load_catalogue(path)) as opened:
        yield opened


def evaluate(chores: PostgresChores, minutes: int) -> None:
    """Refresh and evaluate once a minute."""
    for minute in range(minutes):
        chores.refresh(NOW + timedelta(minutes=minute))
        chores.evaluate(NOW + timedelta(minutes=minute))


def test_the_export_of_the_page_gives_the_steps_that_it_says(bank: Store) -> None:
    """An empty cell gives none; the second request has only its talk."""
    send(bank.sink(0), mapped(EXPORT), now=NOW + timedelta(days=400))
    assert bank.ask("SELECT order_id, count(*) FROM touchpoint_event GROUP BY 1 ORDER BY 1") == [
        ("L-1", 4),
        ("L-2", 1),
    ]


def test_a_measure_of_a_custom_trade_has_an_alert_when_it_drops(bank: Store) -> None:
    """First the past is pushed, then what is worse, days late; the branch that fell is told."""
    sink, chores = bank.sink(0), bank.chores()
    for ago in range(34, 4, -1):
        send(sink, mapped(export_of(requests(NOW - timedelta(days=ago), 30, 0.9))), now=NOW)
    evaluate(chores, 3)
    assert bank.one("SELECT count(*) FROM detector WHERE scope_type = 'site'") == 3
    assert bank.ask("SELECT scope FROM alert") == []
    for ago in (4, 3):
        rows = requests(NOW - timedelta(days=ago, hours=1), 60, 0.2)
        send(sink, mapped(export_of(rows)), now=NOW)
    evaluate(chores, 3)
    assert bank.one("SELECT count(*) FROM dead_letter") == 0
    assert bank.ask(
        "SELECT experience, scope FROM alert WHERE rule = 'VocKeyExperienceDropped'"
    ) == [("signed_in_two_days", "branch-2")]
