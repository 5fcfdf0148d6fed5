"""Looks at positions and events again and again while a recipe runs.

Afterwards it judges what was seen: the rule holds at every moment.

The rule: the stored events are those that the logs hold before the stored positions, no more and no
less.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psycopg2
from builders import automotive_catalogue
from end_to_end.harness import wait_until
from kafka import KafkaConsumer, TopicPartition
from oracle.reading import InvalidError, read_event

if TYPE_CHECKING:
    from chaos.service import ChaosService

INTERVAL_SECONDS = 0.25
LOG_READ_TIMEOUT_SECONDS = 60.0
SNAPSHOT_TIMEOUT_SECONDS = 15.0
# One statement sees one moment.
_LOOK = (
    "SELECT (SELECT count(*) FROM voc.touchpoint_event),"
    " (SELECT json_agg(json_build_array(topic, partition, next_offset)) FROM voc.stream_position)"
)

Place = tuple[str, int]


class Snapshot(NamedTuple):
    """How many events were stored at one moment, and the positions.

    The moment is of a monotonic clock, in seconds.
    """

    moment: float
    events: int
    positions: dict[Place, int]


class Snapshots:
    """Takes one about four times a second while the block runs.

    A server that does not answer is left alone.
    """

    def __init__(self, service: ChaosService) -> None:
        self._service = service
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self.taken: list[Snapshot] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            try:
                self._look_until_it_fails()
            except psycopg2.Error:
                continue

    def _look_until_it_fails(self) -> None:
        url = self._service.direct_url
        with closing(
            psycopg2.connect(url, connect_timeout=2, options="-c statement_timeout=5s")
        ) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not self._ended.wait(INTERVAL_SECONDS):
                cursor.execute(_LOOK)
                [(events, positions)] = cursor.fetchall()
                self.taken.append(
                    Snapshot(
                        time.monotonic(),
                        events,
                        {(topic, number): offset for topic, number, offset in positions or ()},
                    )
                )

    def wait_for_one(self) -> None:
        """Until one more was taken, begun after this call."""
        wanted = len(self.taken) + 2
        wait_until(
            lambda: len(self.taken) >= wanted, SNAPSHOT_TIMEOUT_SECONDS, "a snapshot is taken"
        )

    def assert_each_is_right(self, *, may_go_back: bool = False) -> None:
        """Compare each with the logs, which must still hold everything.

        `may_go_back`: a server lost what it had said was committed.
        """
        log = read_log(self._service)
        assert len(self.taken) > 1, "the recipe was watched"
        for snapshot in self.taken:
            before = {
                event_id
                for place, position in snapshot.positions.items()
                for offset, event_id in log.get(place, ())
                if offset < position and event_id
            }
            assert snapshot.events == len(before), (
                f"{snapshot.events} events stored, {len(before)} before the positions"
                f" {snapshot.positions}"
            )
        if not may_go_back:
            for earlier, later in pairwise(self.taken):
                back = {
                    place
                    for place, position in earlier.positions.items()
                    if later.positions[place] < position
                }
                assert not back, f"positions went back: {back}"

    def longest_stall_seconds(self) -> float:
        """The longest time for which a partition stood still, between its first move and its last.

        It means something only if the load reaches all partitions.
        """
        moves: defaultdict[Place, list[float]] = defaultdict(list)
        for earlier, later in pairwise(self.taken):
            for place, position in later.positions.items():
                if position != earlier.positions.get(place):
                    moves[place].append(later.moment)
        return max(
            (later - earlier for moments in moves.values() for earlier, later in pairwise(moments)),
            default=0.0,
        )


def read_log(service: ChaosService) -> dict[Place, list[tuple[int, str | None]]]:
    """Offset and event id of every message of every input partition.

    Returns None for an id where the oracle refuses the message.
    """
    catalogue, now = automotive_catalogue(), datetime.now(UTC)
    ends = {place: end for place, end in service.log_ends().items() if end > 0}
    log: dict[Place, list[tuple[int, str | None]]] = {place: [] for place in ends}
    limits: dict[str, Any] = dict.fromkeys(
        ("fetch_max_bytes", "max_partition_fetch_bytes"), 32 * 1024 * 1024
    )
    with closing(
        KafkaConsumer(
            bootstrap_servers=service.settings.kafka_bootstrap, enable_auto_commit=False, **limits
        )
    ) as consumer:
        consumer.assign([TopicPartition(*place) for place in ends])
        consumer.seek_to_beginning()

        def all_there() -> bool:
            for (topic, number), records in consumer.poll(timeout_ms=200).items():
                log[topic, number] += [
                    (record.offset, _event_id(record.value, catalogue, now)) for record in records
                ]
            return all(
                consumer.position(TopicPartition(*place)) >= end for place, end in ends.items()
            )

        service.wait_until(all_there, LOG_READ_TIMEOUT_SECONDS, "the logs are read")
    return log


def _event_id(value: bytes | None, catalogue: Any, now: datetime) -> str | None:
    try:
        event_id: str = read_event(value, catalogue, now)["event_id"]
    except (InvalidError, KeyError, RecursionError, ValueError, OverflowError):
        return None
    return event_id
