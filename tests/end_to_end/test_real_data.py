"""A real process log and a real survey, from file to table."""

from __future__ import annotations

import csv
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_data import DATA, needs

from voc_stream.catalogue.load import load_catalogue
from voc_stream.importing.read_files import load_mapping, read_events

if TYPE_CHECKING:
    from end_to_end.harness import Service

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = CHECKOUT / "docs" / "examples"


def shuffled_halves(source: Path, folder: Path) -> list[Path]:
    """The rows of a CSV file in random order, in two files."""
    header, *rows = source.read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(5).shuffle(rows)
    halves = []
    for number, half in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        halves.append(folder / f"half-{number}.csv")
        halves[-1].write_text(header + "".join(half), encoding="utf-8")
    return halves


@needs("receipt.csv")
@pytest.mark.slow
@pytest.mark.parametrize("way", ["twice", "shuffled halves at once"])
def test_process_log(service: Service, tmp_path: Path, way: str) -> None:
    """However the log is pushed.

    1,434 orders, 940 of the 1,329 finished ones on time, and every table as the oracle has it.
    """
    log, mapping = DATA / "receipt.csv", EXAMPLES / "receipt.toml"
    service.start_worker()
    if way == "twice":
        service.command("push", str(log), "--mapping", str(mapping))
        service.command("push", str(log), "--mapping", str(mapping))
    else:
        with ThreadPoolExecutor() as pushers:
            list(
                pushers.map(
                    lambda half: service.command("push", str(half), "--mapping", str(mapping)),
                    shuffled_halves(log, tmp_path),
                )
            )
    service.wait_until_caught_up()
    catalogue, now = load_catalogue(), datetime.now(UTC)
    service.sent = [
        line.value for line in read_events(str(log), load_mapping(mapping), now, catalogue)
    ]
    service.assert_tables_are_right()
    assert service.query(
        "SELECT count(*), count(delivered_at), count(*) FILTER (WHERE on_time) FROM repair_order"
    ) == [(1434, 1329, 940)]


@needs("mobi.csv")
def test_survey(service: Service) -> None:
    """Counts, means and satisfaction of the survey are those computed directly from the file.

    Answers are rescaled from 1-10 to 0-10.
    """
    service.start_worker()
    service.command("push", str(DATA / "mobi.csv"), "--mapping", str(EXAMPLES / "mobi.toml"))
    service.wait_until_caught_up()
    service.stop_workers()
    service.refresh()  # the cube follows the stream
    rows = list(csv.DictReader((DATA / "mobi.csv").read_text(encoding="utf-8").splitlines()))
    asked = {
        "overall": ("CUSA1", "CUEX1"),
        "repair_quality": ("PERQ2", "CUEX3"),
        "advisor_service": ("PERQ3", "CUEX2"),
    }
    for experience, (score, expectation) in asked.items():
        scores, expectations = (
            [hundredths(row[column]) for row in rows] for column in (score, expectation)
        )
        found = service.query(
            "SELECT sum(n), sum(score_sum), sum(expectation_n), sum(expectation_sum),"
            " sum(score_sum) / sum(n) - sum(expectation_sum) / sum(expectation_n) FROM"
            " experience_daily WHERE experience = %s",
            (experience,),
        )
        satisfaction = Decimal(sum(scores)) / len(scores) - Decimal(sum(expectations)) / len(
            expectations
        )
        assert found[0][:4] == (250, sum(scores), 250, sum(expectations))
        assert abs(found[0][4] - satisfaction) < Decimal("1e-9")


def hundredths(answer: str) -> int:
    """An answer from 1 to 10, rescaled to 0-10, in hundredths."""
    return int(((Decimal(answer) - 1) * 1000 / 9).quantize(Decimal(1), ROUND_HALF_UP))
