"""PyFlink doing the whole job: keyed process functions of its DataStream API, and JDBC sinks.

As its documentation has it, state lives in keyed functions and is kept by checkpoints. JDBC sinks
write absolute rows by primary key, so that what a restart repeats overwrites itself. Every value
goes to PostgreSQL as text, which the column's type reads.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.peers.flink import SETTINGS, newest_checkpoint
from benchmarks.peers.whole.customer import Arrived, CustomerJob
from benchmarks.peers.whole.sums import Group, Place, merge, partial_sums, row_of
from benchmarks.peers.whole.tables import COLUMNS, KEYS, RowMaker
from pyflink.common import Configuration, Row, Types  # type: ignore[import-not-found]  # installed in this peer's own environment only
from pyflink.datastream import StreamExecutionEnvironment  # type: ignore[import-not-found]  # has its own environment
from pyflink.datastream.functions import KeyedProcessFunction  # type: ignore[import-not-found]  # has its own environment
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor  # type: ignore[import-not-found]  # has its own environment
from pyflink.table import StreamTableEnvironment  # type: ignore[import-not-found]  # has its own environment

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.calendar import calendars_of
from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import Retraction
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CATALOGUE = load_catalogue()
AS_OF = datetime.fromisoformat(os.environ["AS_OF"]).astimezone(UTC)
JOB = CustomerJob(CATALOGUE, AS_OF)
ROWS = RowMaker(CATALOGUE.flow.follow_up)
CALENDARS = calendars_of(CATALOGUE)
UNITS = {name: each.unit for name, each in CATALOGUE.experience.items()}
SUMS = "sums"
MOST_COLUMNS = max(map(len, COLUMNS.values()))
SOURCE = """
CREATE TABLE events (
    body STRING, `topic` STRING METADATA VIRTUAL, `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL
) WITH (
    'connector' = 'kafka', 'topic' = '{topics}',
    'properties.bootstrap.servers' = '{bootstrap}', 'properties.group.id' = '{group}',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'raw'
)"""
SINK = """
CREATE TABLE sink_{table} ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH (
    'connector' = 'jdbc', 'url' = '{url}', 'table-name' = 'voc.{target}',
    'username' = '{user}', 'password' = '',
    'sink.buffer-flush.max-rows' = '5000', 'sink.buffer-flush.interval' = '1 s'
)"""


def arrived(row: Any) -> Iterator[tuple[str, str, str, int, int]]:
    """The customer and where the message was read; what is refused is left out."""
    body, topic, partition, offset = row
    event = decode(body.encode(), AS_OF, CATALOGUE)
    if not isinstance(event, Refusal | Retraction):
        yield event.customer_id, body, topic, partition, offset


class OneCustomer(KeyedProcessFunction):  # type: ignore[misc]  # its base is unknown to the checker
    """What is known of a customer."""

    def open(self, context: Any) -> None:
        """Find the state of each key."""
        self._known = context.get_state(ValueStateDescriptor("known", Types.PICKLED_BYTE_ARRAY()))

    def process_element(
        self, value: tuple[str, str, str, int, int], _context: Any
    ) -> Iterator[tuple[str, Any]]:
        """Rows by table, and what the event adds to sums."""
        customer_id, body, topic, partition, offset = value
        encoded = self._known.value()
        known = JOB.decode(encoded) if encoded else JOB.nothing_known(customer_id)
        event = decode(body.encode(), AS_OF, CATALOGUE)
        if isinstance(event, Refusal | Retraction):
            return
        place = Partition(topic, partition)
        changes = JOB.take_in(known, [Arrived(event, body.encode(), place, offset)])
        if changes is None:
            return
        self._known.update(JOB.encode(known))
        yield from ROWS.rows(changes)
        added = partial_sums(changes.contributions, CALENDARS, UNITS)
        for group, sums in added.items():
            yield SUMS, (group, [(*place_, values) for place_, values in sums.items()])


class OneGroup(KeyedProcessFunction):  # type: ignore[misc]  # its base is unknown to the checker
    """The sums of one scope, or of one cell of the cube."""

    def open(self, context: Any) -> None:
        """Find the state of each key."""
        pickled = Types.PICKLED_BYTE_ARRAY()
        self._sums = context.get_map_state(MapStateDescriptor("sums", pickled, pickled))

    def process_element(
        self, value: tuple[str, list[Any]], _context: Any
    ) -> Iterator[tuple[str, Any]]:
        """The sums that changed, as they are now."""
        group, added = value
        for resolution, start, experience, values in added:
            place = (resolution, start, experience)
            known: Group = {}
            if self._sums.contains(place):
                known[Place(*place)] = self._sums.get(place)
            merge(known, [{Place(*place): values}])
            self._sums.put(place, known[Place(*place)])
            yield row_of(group, Place(*place), known[Place(*place)])


def as_text(item: tuple[str, Iterable[object]]) -> Row:
    """The table, and the values of a row as PostgreSQL reads them from text; SQL takes it apart."""
    table, values = item
    texts = [None if each is None else _text(each) for each in values]
    return Row(table, *texts, *[None] * (MOST_COLUMNS - len(texts)))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def named(column: str) -> str:
    """A column as Flink's connector can name it: it quotes none, and PostgreSQL reserves one."""
    return "log_offset" if column == "offset" else column


def configuration(state: Path) -> Any:
    """Checkpoints in the state folder, from the newest of which a restart goes on."""
    settings = Configuration()
    for name, value in SETTINGS.items():
        settings.set_string(name, value)
    checkpoints = state / "checkpoints"
    settings.set_string("execution.checkpointing.dir", checkpoints.as_uri())
    settings.set_string("python.executable", sys.executable)
    settings.set_string("python.client.executable", sys.executable)
    jars = sorted(Path(os.environ["FLINK_JARS"]).glob("*.jar"))
    settings.set_string("pipeline.jars", ";".join(path.as_uri() for path in jars))
    checkpoint = newest_checkpoint(checkpoints)
    if checkpoint is not None:
        settings.set_string("execution.state-recovery.path", checkpoint.as_uri())
    return settings


def main() -> None:
    """Run until killed."""
    environment = StreamExecutionEnvironment.get_execution_environment(
        configuration(Path(os.environ["STATE_DIR"]))
    )
    tables = StreamTableEnvironment.create(environment)
    tables.execute_sql(
        SOURCE.format(
            topics=os.environ["TOPICS"].replace(",", ";"),
            bootstrap=os.environ["KAFKA_BOOTSTRAP"],
            group=os.environ["GROUP"],
        )
    )
    text, number = Types.STRING(), Types.LONG()
    source = tables.to_data_stream(tables.from_path("events")).flat_map(
        arrived, Types.TUPLE([text, text, text, Types.INT(), number])
    )
    pickled = Types.PICKLED_BYTE_ARRAY()
    customers = source.key_by(lambda each: each[0], text).process(OneCustomer(), pickled)
    sums = (
        customers.filter(lambda each: each[0] == SUMS)
        .map(lambda each: each[1], pickled)
        .key_by(lambda each: each[0], text)
        .process(OneGroup(), pickled)
    )
    places = [f"c{number}" for number in range(MOST_COLUMNS)]
    rows = (
        customers.filter(lambda each: each[0] != SUMS)
        .union(sums)
        .map(as_text, Types.ROW_NAMED(["name", *places], [text] * (1 + MOST_COLUMNS)))
    )
    tables.create_temporary_view("written", tables.from_data_stream(rows))
    database = urlsplit(os.environ["DATABASE_URL"])
    url = (
        f"jdbc:postgresql://{database.hostname}:{database.port}{database.path}"
        "?reWriteBatchedInserts=true&stringtype=unspecified"
    )
    statements = tables.create_statement_set()
    for table, columns in COLUMNS.items():
        names = [f"`{named(each)}`" for each in columns]
        tables.execute_sql(
            SINK.format(
                table=table,
                columns=", ".join(
                    f"{name} STRING" + (" NOT NULL" if column in KEYS[table] else "")
                    for name, column in zip(names, columns, strict=True)
                ),
                target="peer_event" if table == "touchpoint_event" else table,
                key=", ".join(f"`{each}`" for each in KEYS[table]),
                url=url,
                user=database.username,
            )
        )
        statements.add_insert_sql(
            f"INSERT INTO sink_{table} SELECT {', '.join(places[: len(columns)])} FROM written"
            f" WHERE name = '{table}'"
        )
    statements.execute().wait()


if __name__ == "__main__":
    main()
