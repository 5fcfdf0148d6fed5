"""The mappings of docs/examples on the public data that they are for.

The data is not part of the repository.

The variable VOC_TEST_DATA names its folder; without it these tests are skipped.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import pytest
from real_data import DATA, needs

from voc_stream.events.decode import Refusal, decode
from voc_stream.importing.apply import MappedEvent, map_rows
from voc_stream.importing.formats.csv_rows import read_csv
from voc_stream.importing.formats.rows import Row, RowError
from voc_stream.importing.formats.xes_rows import read_xes
from voc_stream.importing.load_mapping import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.importing.mapping import RowMapping

CHECKOUT = Path(__file__).parents[3]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def mapping_of(name: str) -> RowMapping:
    path = CHECKOUT / "docs" / "examples" / name
    return parse_mapping(path.read_text(encoding="utf-8"), str(path))


def events(
    rows: Iterable[Row | RowError], mapping: RowMapping, catalogue: Catalogue
) -> list[dict[str, Any]]:
    """The events of the rows, all of which must be valid."""
    found = []
    for mapped in map_rows(rows, mapping):
        assert isinstance(mapped, MappedEvent), mapped
        assert not isinstance(decoded := decode(mapped.value, NOW, catalogue), Refusal), decoded
        found.append(json.loads(mapped.value))
    return found


@needs("receipt.csv")
def test_receipt_log_gives_its_orders_and_their_punctuality(catalogue: Catalogue) -> None:
    """1,434 cases are orders, 1,329 of them delivered, of which 940 by the promised time.

    Counted directly from the file too.
    """
    text = (DATA / "receipt.csv").read_text(encoding="utf-8")
    promised: dict[str, datetime] = {}
    delivered: dict[str, datetime] = {}
    found = events(read_csv(io.StringIO(text)), mapping_of("receipt.toml"), catalogue)
    for event in found:
        if "promised_at" in event:
            promised[event["order_id"]] = datetime.fromisoformat(event["promised_at"])
        if (event["stage"], event["edge"]) == ("delivery", "exit"):
            delivered[event["order_id"]] = datetime.fromisoformat(event["occurred_at"])
    on_time = sum(moment <= promised[order] for order, moment in delivered.items())
    assert (len({event["order_id"] for event in found}), len(delivered), on_time) == (
        1434,
        1329,
        940,
    )

    cases = {row["case:concept:name"]: row for row in csv.DictReader(io.StringIO(text))}
    ended = [row for row in cases.values() if row["case:enddate"]]
    in_time = [
        row
        for row in ended
        if datetime.fromisoformat(row["case:enddate"])
        <= datetime.fromisoformat(row["case:enddate_planned"])
    ]
    assert (len(cases), len(ended), len(in_time)) == (1434, 1329, 940)


@needs("receipt.csv")
def test_receipt_log_as_xes_gives_the_same_events(catalogue: Catalogue) -> None:
    """One mapping does for a CSV and an XES export of the same log, down to the event_ids."""
    rows = list(csv.DictReader(io.StringIO((DATA / "receipt.csv").read_text(encoding="utf-8"))))[
        :500
    ]
    csv_rows = [Row(line, row) for line, row in enumerate(rows, start=2)]
    xes = io.BytesIO(as_xes(rows).encode())
    mapping = mapping_of("receipt.toml")
    of_csv, of_xes = (
        sorted(events(each, mapping, catalogue), key=lambda event: event["event_id"])
        for each in (csv_rows, read_xes(xes))
    )
    assert of_csv == of_xes


def as_xes(rows: list[dict[str, str]]) -> str:
    """The rows as an XES log, its events grouped by case."""
    traces: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        traces.setdefault(row["case:concept:name"], []).append(row)

    def attributes(row: dict[str, str], *, of_case: bool) -> str:
        wanted = {
            key: value for key, value in row.items() if value and key.startswith("case:") is of_case
        }
        return "".join(
            f"<string key={quoteattr(key.removeprefix('case:'))} value={quoteattr(value)}/>"
            for key, value in wanted.items()
        )

    def events_of(trace: list[dict[str, str]]) -> str:
        return "".join(f"<event>{attributes(row, of_case=False)}</event>" for row in trace)

    body = "".join(
        f"<trace>{attributes(trace[0], of_case=True)}{events_of(trace)}</trace>"
        for trace in traces.values()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><log>{body}</log>'


@needs("mobi.csv")
def test_mobi_survey_gives_the_means_of_the_file(catalogue: Catalogue) -> None:
    """250 callbacks have the means of score and expectation of the file.

    They are moved from 1-10 to 0-10.
    """
    text = (DATA / "mobi.csv").read_text(encoding="utf-8")
    found = events(read_csv(io.StringIO(text)), mapping_of("mobi.toml"), catalogue)
    assert len({event["event_id"] for event in found}) == len(found) == 250
    rows = list(csv.DictReader(io.StringIO(text)))
    questions = {
        "overall": ("CUSA1", "CUEX1"),
        "repair_quality": ("PERQ2", "CUEX3"),
        "advisor_service": ("PERQ3", "CUEX2"),
        "explanation": ("PERQ7", None),
        "fair_charge": ("PERV1", None),
    }
    for item, (score, expectation) in questions.items():
        answers = [
            answer for event in found for answer in event["answers"] if answer["item"] == item
        ]
        for name, question in (("score", score), ("expectation", expectation)):
            values = [answer[name] for answer in answers if name in answer]
            stated = [(float(row[question]) - 1) * 10 / 9 for row in rows] if question else []
            assert values == pytest.approx(stated), (item, name)
