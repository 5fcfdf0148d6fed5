"""The whole job that the peers do: their fold, sums and rows, without a peer around them."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from benchmarks.peers.whole.customer import Arrived, CustomerJob, Known
from benchmarks.peers.whole.job import WholeJob
from benchmarks.peers.whole.sums import (
    Group,
    decode_group,
    encode_group,
    merge,
    partial_sums,
    row_of,
)
from benchmarks.peers.whole.tables import RowMaker, connect, write

from voc_stream.domain.calendar import calendars_of
from voc_stream.events.decode import decode_stored
from voc_stream.pipeline.ports import Partition
from voc_stream.simulator.load.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from benchmarks.peers.whole.tables import Row

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.contribution import Contribution

NOW = datetime.now(UTC)
BATCH_EVENTS = 70


def test_a_peer_that_goes_back_to_a_snapshot_writes_the_tables_of_the_oracle(
    database_url: str, catalogue: Catalogue
) -> None:
    """Absolute rows of folded state are the oracle's, though messages come twice and out of order.

    In the middle all state goes back to what a snapshot kept, and what followed is read again.
    """
    values = [
        each.value or b""
        for each in benchmark_events(
            count=700, seed=5, start=NOW - timedelta(minutes=50), customers=60, sites=4,
            duplicate_share=0.1, interval_seconds=4.0,
        )
    ]  # fmt: skip
    Random(5).shuffle(values)
    whole = WholeJob(values, NOW)
    whole.make_tables(database_url)
    job, calendars = CustomerJob(catalogue, NOW), calendars_of(catalogue)
    makes = RowMaker(catalogue.flow.follow_up)
    units = {name: each.unit for name, each in catalogue.experience.items()}
    known: dict[str, Known] = {}
    groups: dict[str, Group] = {}

    def take_in(part: list[bytes]) -> list[Row]:
        by_customer = defaultdict(list)
        for offset, value in enumerate(part):
            event = decode_stored(value, {})
            by_customer[event.customer_id].append(
                Arrived(event, value, Partition("topic", 0), offset)
            )
        rows: list[Row] = []
        contributions: list[Contribution] = []
        for customer_id, arrived in by_customer.items():
            state = known.setdefault(customer_id, job.nothing_known(customer_id))
            changes = job.take_in(state, arrived)
            if changes is not None:
                rows += makes.rows(changes)
                contributions += changes.contributions
        for name, added in partial_sums(contributions, calendars, units).items():
            group = groups.setdefault(name, {})
            rows += [row_of(name, place, group[place]) for place in merge(group, [added])]
        return rows

    parts = [values[at : at + BATCH_EVENTS] for at in range(0, len(values), BATCH_EVENTS)]
    with closing(connect(database_url)) as connection:
        for part in parts[:4]:
            write(connection, take_in(part))
        kept = {name: job.encode(each) for name, each in known.items()}
        kept_groups = {name: encode_group(each) for name, each in groups.items()}
        for part in parts[4:6]:
            write(connection, take_in(part))
        known = {name: job.decode(each) for name, each in kept.items()}
        groups = {name: decode_group(each) for name, each in kept_groups.items()}
        for part in parts[4:]:
            write(connection, take_in(part))
        assert whole.progress(connection.cursor()) == whole.goal
    assert whole.compare(database_url).in_words == "right"
