"""Two installations by one broker, and two catalogues by one database.

Each worker is a process of its own.
"""

from __future__ import annotations

import tomllib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import CATALOGUE_PATH, message, touchpoint
from end_to_end.harness import Service

from voc_stream.kafka.life.watchdog import EXIT_CODE
from voc_stream.simulator.delivery.message import VALID, SimulatedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.broker,
]  # processes start, join groups and end again


def events(name: str, count: int, experience: str = "overall") -> Iterator[SimulatedMessage]:
    """Touchpoints of this moment, of many customers."""
    moment = datetime.now(UTC)
    for number in range(count):
        value = message(
            touchpoint(
                f"{name}-{number}",
                occurred_at=moment.isoformat(),
                customer_id=f"u-{number}",
                experience=experience,
            )
        )
        yield SimulatedMessage(moment, moment, "touchpoints", f"u-{number}".encode(), value, VALID)


def count_of(service: Service) -> int:
    """Events in the tables."""
    ((count,),) = service.query("SELECT count(*) FROM touchpoint_event")
    return int(count)


def other_database(service: Service) -> str:
    """URL of an empty database beside the service's."""
    url = service.settings.require_database_url()
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {url.rpartition('/')[2]}_other")
    return f"{url}_other"


def test_a_second_installation_does_not_join_the_group(
    service: Service, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It would take a part of the events away.

    It waits and says so, and joins when the first one has left.
    """
    first = service.start_worker()
    service.wait_until(lambda: first.unready() == "", 60, first.unready)
    (tmp_path / "second").mkdir()
    with Service(
        replace(service.settings, database_url=other_database(service)), tmp_path / "second"
    ) as second:
        waiting = second.start_worker()
        second.wait_until(lambda: "another installation" in waiting.unready(), 60, waiting.unready)
        assert waiting.metric("voc_strange_installations") == 1
        service.send(events("a", 200))
        service.wait_until(lambda: count_of(service) == 200, 60, lambda: str(count_of(service)))
        assert count_of(second) == 0
        assert first.unready() == ""
        if request.config.getoption("--broker") != "apache":
            return  # the embedded broker goes on to tell of members that have left
        service.stop_worker(first)
        second.wait_until(
            lambda: count_of(second) == 200, 90, lambda: f"{waiting.unready()} {count_of(second)}"
        )


def test_a_newer_catalogue_takes_over_and_the_older_one_waits(
    service: Service, tmp_path: Path
) -> None:
    """An experience is renamed while events of both names come in.

    The older catalogue waits, and nothing is lost.
    """
    old = service.start_worker()
    service.wait_until(lambda: old.unready() == "", 60, old.unready)
    service.send(events("a", 50, "repair_quality"))
    service.wait_until(lambda: count_of(service) == 50, 60, lambda: str(count_of(service)))
    text = CATALOGUE_PATH.read_text(encoding="utf-8").replace(
        "[experience.repair_quality", "[experience.workmanship"
    )
    text = text.replace('_experience = "repair_quality"', '_experience = "workmanship"')
    version = tomllib.loads(text)["version"]
    text = text.replace(f"version = {version}\n", f"version = {version + 1}\n", 1)
    path = tmp_path / "second.toml"
    path.write_text(f'{text}\n[alias]\nrepair_quality = "workmanship"\n', encoding="utf-8")
    # Another group of the same installation: the embedded broker loses itself where members come
    # and go.
    new = service.start_other(
        replace(service.settings, catalogue=str(path), group=f"{service.settings.group}-new")
    )
    service.workers.remove(old)
    service.wait_until(lambda: old.child.exit_code() == EXIT_CODE, 60, old.unready)
    service.wait_until(lambda: new.unready() == "", 60, new.unready)
    service.send([*events("b", 50, "repair_quality"), *events("c", 50, "workmanship")])
    service.wait_until(lambda: count_of(service) == 150, 60, lambda: str(count_of(service)))
    totals = "SELECT experience, sum(n)::int FROM experience_daily GROUP BY 1"
    service.wait_until(
        lambda: service.query(totals) == [("workmanship", 150)],
        60,
        lambda: str(service.query(totals)),
    )
    again = service.start_other(service.settings)
    service.wait_until(lambda: "another catalogue rules" in again.unready(), 60, again.unready)
