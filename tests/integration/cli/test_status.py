from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from voc_stream.cli import main
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.kafka.topics import ensure_topics
from voc_stream.pipeline.ports import Batch, Message, Partition, StoredPosition
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from pathlib import Path

    from voc_stream.catalogue.model import Catalogue

COMPLAINT = (
    b'{"event_id":"k-1","type":"complaint","occurred_at":"2026-01-05T09:00:00Z","customer_id":"customer-7","site_id":"s-1",'
    b'"complaint_id":"q-1","action":"opened","severity":"major"}'
)


def status(settings: Settings, *arguments: str) -> Result:
    """Run the command as a shell would."""
    return CliRunner().invoke(main, ["status", *arguments], env=to_environment(settings))


def test_status_shows_what_waits_and_whom_to_call(
    settings: Settings, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Customers at risk come with their strongest reason.

    The picture is SVG that loads nothing from elsewhere.
    """
    ensure_topics(settings)
    url = settings.require_database_url()
    partition = Partition(f"{settings.topic_prefix}complaints", 0)
    with (
        closing(PostgresSink(url, catalogue)) as sink,
        closing(PostgresChores(url, catalogue)) as chores,
    ):
        sink.start_at(partition, StoredPosition("a log", 0), None)
        now = datetime.now(UTC)
        sink.process(
            [
                Batch(
                    partition,
                    StoredPosition("a log", 0),
                    decode_messages([Message(0, COMPLAINT)], now, catalogue),
                )
            ],
            now,
        )
        chores.refresh(now)
        chores.assess_churn(now)
    picture = tmp_path / "summary.svg"
    shown = status(settings, "--svg", str(picture))
    assert shown.exit_code == 0, shown.output
    assert any(
        "customer-7" in line and "open_complaint_major" in line and "critical" in line
        for line in shown.output.splitlines()
    )
    assert any(partition.topic in line for line in shown.output.splitlines())
    drawn = picture.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "@font-face" not in drawn


def test_status_says_that_histories_are_not_moved_yet(
    database_url: str, catalogue: Catalogue
) -> None:
    """Who reads segments or regions must know that part of them is still counted elsewhere.

    Else nothing is said.
    """
    settings = Settings(kafka_bootstrap=f"127.0.0.1:{free_port()}", database_url=database_url)
    partition = Partition("test.customers", 0)
    event = (
        '{{"event_id":"p-{0}","type":"customer","occurred_at":"2026-01-0{0}T09:00:00Z","customer_id":"u-1",'
        '"change":"profile","segment":"s-{0}"}}'
    )
    with (
        closing(PostgresSink(database_url, catalogue)) as sink,
        closing(PostgresChores(database_url, catalogue)) as chores,
    ):
        sink.start_at(partition, StoredPosition("a log", 0), None)
        now = datetime.now(UTC)
        for offset in (0, 1):
            messages = decode_messages(
                [Message(offset, event.format(offset + 1).encode())], now, catalogue
            )
            sink.process([Batch(partition, StoredPosition("a log", offset), messages)], now)
        assert "历史数据重新归类中的客户: 1" in status(settings).output
        assert chores.move_histories() == 1
    assert "历史数据重新归类中" not in status(settings).output


def test_without_a_broker_the_rest_is_shown_and_the_lag_is_unknown(database_url: str) -> None:
    """A broker that is away does not hide what the tables say."""
    shown = status(Settings(kafka_bootstrap=f"127.0.0.1:{free_port()}", database_url=database_url))
    assert shown.exit_code == 0
    assert "Lag is unknown" in shown.output
    assert "No alert is firing" in shown.output


def test_without_a_database_one_line_says_so() -> None:
    """No traceback, and a code that scripts can see."""
    shown = status(Settings(database_url=f"postgresql://voc@127.0.0.1:{free_port()}/voc"))
    assert shown.exit_code == 1
    assert shown.output.startswith("voc-stream status: PostgreSQL")
