"""`voc-stream retract`: takes events back, by sending retractions."""

from __future__ import annotations

import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import click
import msgspec

from voc_stream.cli.push import timeout_option
from voc_stream.cli.screen.terminal import say
from voc_stream.counted import counted
from voc_stream.errors import VocError
from voc_stream.events.topics import TOPIC_OF_TYPE, key_of
from voc_stream.events.types import Retraction
from voc_stream.events.types.fields import (
    EVENT_ID_PATTERN,
    MAXIMUM_EVENT_ID_LENGTH,
    MAXIMUM_REASON_LENGTH,
    MAXIMUM_RETRACTED,
)
from voc_stream.kafka.push import Pusher, Record
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_is_event_id = re.compile(EVENT_ID_PATTERN).match


@click.command()
@click.argument("event_ids", nargs=-1)
@click.option(
    "--from",
    "file",
    type=click.File(
        "r", encoding="utf-8-sig", errors="backslashreplace"
    ),  # so that what is no text is no id
    help="Read more ids from a file, one a line; `-` is stdin.",
)
@click.option(
    "--reason", required=True, help="Why, for people. It is kept for ever, so name no person."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@timeout_option
def command(
    event_ids: tuple[str, ...],
    file: Iterable[str] | None,
    reason: str,
    *,
    yes: bool,
    timeout_seconds: float,
) -> None:
    """Take the events EVENT_IDS out of every table, even if they have not come yet.

    Nothing brings them back: neither sending them again nor reading the log again. To put an event
    right, take it back and send the right one under a new id. Sending the same retraction again is
    harmless.
    """
    settings = load_settings(os.environ)
    logging.getLogger("kafka").addHandler(logging.NullHandler())  # as in push
    if len(reason) > MAXIMUM_REASON_LENGTH:
        raise VocError(f"the reason has more than {MAXIMUM_REASON_LENGTH} characters; shorten it")
    ids = _checked([*event_ids, *(line.strip() for line in file or ())])
    if not yes:
        _ask(len(ids))
    failures: list[str] = []
    with Pusher[Retraction](
        settings, timeout_seconds, lambda: None, lambda _, why: failures.append(why)
    ) as pusher:
        topic = settings.topic_prefix + TOPIC_OF_TYPE["retraction"]
        for retraction in _retractions(ids, reason):
            pusher.push(
                [Record(topic, key_of(retraction), msgspec.json.encode(retraction), retraction)]
            )
            if failures:
                raise VocError(f"not delivered: {failures[0]}")
            say(
                f"sent retraction {retraction.event_id} of"
                f" {counted(len(retraction.event_ids), 'event')}"
            )


def _checked(candidates: Sequence[str]) -> list[str]:
    """The ids, each once, in their order; a blank line is no id."""
    ids = list(dict.fromkeys(filter(None, candidates)))
    if not ids:
        raise VocError("there is no event id; name some, or a file with --from")
    for event_id in ids:
        if len(event_id) > MAXIMUM_EVENT_ID_LENGTH or not _is_event_id(event_id):
            raise VocError(
                f"{event_id[:100]!r} is no event id: 1 to {MAXIMUM_EVENT_ID_LENGTH} of the"
                f" characters A-Z a-z 0-9 . _ : -; nothing was sent"
            )
    return ids


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise VocError(
            f"{counted(count, 'event')} would be taken back for good, and nobody can be asked here;"
            f" add --yes"
        )
    click.confirm(f"Take {counted(count, 'event')} back for good?", abort=True, err=True)


def _retractions(ids: Sequence[str], reason: str) -> Iterable[Retraction]:
    for first in range(0, len(ids), MAXIMUM_RETRACTED):
        event_ids = list(ids[first : first + MAXIMUM_RETRACTED])
        yield Retraction(
            event_id=f"retraction-{uuid4()}",
            occurred_at=datetime.now(UTC),
            event_ids=event_ids,
            reason=reason,
        )
