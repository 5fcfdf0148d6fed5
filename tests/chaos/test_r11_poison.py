"""R11: one message in a hundred is rubbish of every kind.

Broken bytes, huge, deep, of wrong types and times.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from builders import automotive_catalogue
from chaos.recovery import Recovery, note
from chaos.snapshots import Snapshots, read_log
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance
from end_to_end.test_bad_input import REFUSED
from oracle.reading import read_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from chaos.service import ChaosService

    from voc_stream.simulator.delivery.message import SimulatedMessage

EVENTS = 4_000
POISON_SHARE = 0.01
LONGEST_INSERTION_BYTES = 40

pytestmark = pytest.mark.chaos


def spoilt(value: bytes, random: Random) -> bytes:
    """The bytes with one accident: some overwritten, cut out, put in, or doubled."""
    first, last = sorted(random.sample(range(len(value) + 1), 2))
    rubbish = random.randbytes(random.randint(1, LONGEST_INSERTION_BYTES))
    return random.choice(
        [
            value[:first] + rubbish + value[first + len(rubbish) :],
            value[:first] + value[last:],
            value[:first] + rubbish + value[first:],
            value[:last] + value[first:],
            value[:first],
            rubbish,
        ]
    )


def is_ambiguous(value: bytes) -> bool:
    """Whether it is JSON in which a name stands twice: no rule says which one counts."""
    repeated = []

    def look(pairs: list[tuple[str, object]]) -> None:
        repeated.append(len(pairs) > len(dict(pairs)))

    # What is nested too deeply for Python is refused whatever its names are.
    with suppress(ValueError, RecursionError):
        json.loads(value, object_pairs_hook=look)
    return any(repeated)


def is_another_event_of_the_same_id(value: bytes) -> bool:
    """Whether it is sound all the same.

    Then which of the two counts depends on which partition is read first.
    """
    return bool(read_events([value], automotive_catalogue(), datetime.now(UTC)))


def accidents(messages: Sequence[SimulatedMessage], random: Random) -> Iterator[bytes]:
    """Spoilt copies of messages, for ever."""
    while True:
        value = spoilt(random.choice(messages).value or b"{}", random)
        if not is_ambiguous(value) and not is_another_event_of_the_same_id(value):
            yield value


def with_poison(messages: list[SimulatedMessage], random: Random) -> list[SimulatedMessage]:
    """Every known mistake once or more, and as many random accidents again, at random places."""
    number = max(len(REFUSED), round(POISON_SHARE * len(messages)))
    values = [REFUSED[place % len(REFUSED)][1] for place in range(number)]
    values += islice(accidents(tuple(messages), random), number)
    for value in values:
        place = random.randrange(len(messages))
        messages.insert(place, messages[place]._replace(value=value))
    return messages


def test_poison(service: ChaosService) -> None:
    """Each refused message is one dead letter at its place in the log; all others count.

    The consumer stops for none of them.
    """
    random = chance()
    messages = with_poison(simulated_messages(EVENTS, seed=random.randrange(2**32)), random)
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        service.send(messages)
        service.wait_until_caught_up()
        snapshots.wait_for_one()
    refused = {
        (topic, number, offset)
        for (topic, number), log in read_log(service).items()
        for offset, event_id in log
        if event_id is None
    }
    letters = service.query(
        "SELECT topic, partition, \"offset\", reason, detail, left(encode(payload, 'escape'), 600)"
        " FROM dead_letter"
    )
    places = [tuple(letter[:3]) for letter in letters]
    assert len(places) == len(set(places))
    assert [letter for letter in letters if tuple(letter[:3]) not in refused] == [], (
        "a dead letter is a message that the oracle refuses, too"
    )
    assert refused - set(places) == set(), "what the oracle refuses is a dead letter"
    service.wait_until(
        lambda: (
            service.query("SELECT count(*) FROM dead_letter WHERE published_at IS NULL") == [(0,)]
        ),
        30,
        "all are published",
    )
    assert worker.is_running
    assert worker.metric("voc_batch_failures_total") == 0
    snapshots.assert_each_is_right()
    service.assert_everything_holds()
    note(
        Recovery(
            "R11",
            "poison messages",
            f"more than 100 of about {round(len(messages), -3):,} messages: known mistakes and"
            f" random accidents to bytes",
            "one dead letter for each and none else; no batch failed",
            None,
        )
    )
