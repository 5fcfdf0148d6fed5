"""`voc-stream dead-letters`: what was refused, why, and sending it again."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from voc_stream.cli.screen.terminal import console, say, say_lines, table
from voc_stream.counted import counted
from voc_stream.kafka.push import Pusher, Record
from voc_stream.kafka.records.record_batches import is_batch
from voc_stream.pipeline.refusal_limit import RefusalLimit
from voc_stream.postgres.intake.dead_letters import DeadLetterOffice, RefusedMessage
from voc_stream.postgres.intake.stream_position import begin_anew, refusal_records
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RETRY_TIMEOUT_SECONDS = 60.0
SHOWN_BYTES = 2_000
_HIGHEST_NUMBER = 2**63 - 1  # of PostgreSQL


@click.group(name="dead-letters")
def command() -> None:
    """List, show or retry what was refused; let stopped partitions resume.

    A partition stops if it has refused too much.
    """


@command.command(name="list")
@click.option("--reason", help="Only this reason.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=_HIGHEST_NUMBER),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
@click.option(
    "--before",
    type=click.IntRange(max=_HIGHEST_NUMBER),
    help="Only numbers below this one: the next page.",
)
def list_letters(reason: str | None, limit: int, before: int | None) -> None:
    """Count the refusals by reason and list the newest, page by page."""
    office = _office()
    counts = office.count_by_reason()
    if not counts:
        say("Nothing was refused. 没有被拒收的消息。")
        return
    by_reason = table("reason 原因", "messages 消息", "not retried 未重发")
    for count in counts:
        by_reason.add_row(count.reason, f"{count.messages:,}", f"{count.not_retried:,}")
    newest = table(
        "number 编号",
        "received 接收时间",
        "from 来源",
        "reason 原因",
        "detail 说明",
        "retried 重发",
    )
    letters = office.newest(limit, reason, before)
    for letter in letters:
        retried = "" if letter.retried_at is None else f"{letter.retried_at:%m-%d %H:%M}"
        newest.add_row(
            str(letter.number),
            f"{letter.received_at:%Y-%m-%d %H:%M:%S}",
            _source(letter),
            letter.reason,
            letter.detail,
            retried,
        )
    output = console()
    output.print(by_reason)
    output.print()
    if letters:
        output.print(newest)
    else:
        say("None of them is what you asked for. 没有符合条件的消息。")
    if len(letters) == limit:
        output.print()
        say(f"Older ones: --before {letters[-1].number}")


@command.command()
@click.argument("number", type=int)
@click.option(
    "--raw", is_flag=True, help="Write the refused bytes to standard output, and nothing else."
)
def show(number: int, *, raw: bool) -> None:
    """Show one refused message, whole."""
    found = _office().by_number([number])
    if not found:
        raise click.ClickException(
            f"there is no dead letter {number}; `voc-stream dead-letters list` shows which there"
            f" are"
        )
    (letter,) = found
    payload = letter.payload or b""
    if raw:
        output = click.get_binary_stream("stdout")
        if output.isatty():
            raise click.ClickException(
                f"the bytes may hold commands of a terminal; write them to a file: dead-letters"
                f" show {number} --raw > FILE"
            )
        output.write(payload)
        return
    say(f"number   编号  {letter.number}")
    say(f"from     来源  {_source(letter)}")
    say(f"received 接收  {letter.received_at:%Y-%m-%d %H:%M:%S} UTC")
    say(f"reason   原因  {letter.reason}")
    say(f"detail   说明  {letter.detail}")
    say(f"retried  重发  {letter.retried_at or '-'}")
    size = counted(len(payload), "byte")
    nothing = "none (a tombstone, or see the detail)"
    say(f"payload  内容  {nothing if letter.payload is None else size}")
    if payload:
        say_lines(payload[:SHOWN_BYTES].decode(errors="backslashreplace"))
    if len(payload) > SHOWN_BYTES:
        say(f"… {counted(len(payload) - SHOWN_BYTES, 'byte')} more; --raw gives all")


@command.command()
@click.argument("numbers", type=int, nargs=-1)
@click.option("--reason", help="All of this reason that were never sent again.")
@click.option("--all", "everything", is_flag=True, help="All that were never sent again.")
def retry(numbers: tuple[int, ...], reason: str | None, *, everything: bool) -> None:
    """Send refused messages again, as they are, to the topic that they came from.

    Worth it when what refused them has changed: the catalogue, a clock, a version. An event still
    counts once. A batch that could not be read is no message; whoever sent it has to send its
    events again.
    """
    if sum([bool(numbers), reason is not None, everything]) != 1:
        raise click.UsageError("say which: numbers, --reason REASON or --all")
    settings, office = load_settings(os.environ), _office()
    retried = _Retried()
    failed: dict[int, str] = {}
    with ExitStack() as stack:
        pusher: Pusher[int] | None = None
        for letters in _of_numbers(office, numbers) if numbers else _pages(office, reason):
            sendable = [
                letter for letter in letters if letter.payload and not is_batch(letter.payload)
            ]
            if sendable and pusher is None:
                pusher = stack.enter_context(
                    Pusher[int](
                        settings,
                        RETRY_TIMEOUT_SECONDS,
                        lambda: None,
                        lambda record, why: failed.update({record.origin: why}),
                    )
                )
            if pusher is not None:
                pusher.push(
                    Record(letter.topic, _key(letter), letter.payload or b"", letter.number)
                    for letter in sendable
                )
            sent = [letter.number for letter in sendable if letter.number not in failed]
            office.mark_retried(sent, datetime.now(UTC))
            retried.sent += len(sent)
            retried.empty += len(letters) - len(sendable)
            for number, why in failed.items():
                say(f"{number}: {why}", error=True)
            retried.failed += len(failed)
            failed.clear()
    say(
        f"{retried.sent} sent again, {retried.failed} failed,"
        f" {counted(retried.empty, 'has', 'have')} nothing to send."
    )
    _say_missing(numbers, office)
    if retried.failed:
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("topic", required=False)
@click.argument("partition", type=click.IntRange(min=0), required=False)
@click.option(
    "--refuse",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="So many more refusals pass without being counted.",
)
def resume(topic: str | None, partition: int | None, refuse: int) -> None:
    """Let partitions go on that stopped because they refused too much.

    These are all partitions, those of a TOPIC, or one PARTITION of it. They count anew: with the
    next refusals beyond the limit they stop again. Workers go on within some seconds.
    """
    settings = load_settings(os.environ)
    url, limit = (
        settings.require_database_url(),
        RefusalLimit(settings.dead_letter_limit_run, settings.dead_letter_limit_percent),
    )
    named = {
        each: record
        for each, record in refusal_records(url).items()
        if topic in (None, each.topic) and partition in (None, each.number)
    }
    if topic is not None and not named:
        raise click.ClickException(
            f"there is no partition {partition if partition is not None else ''} of {topic};"
            f" `status` lists the topics"
        )
    stopped = {
        each: reached
        for each, record in named.items()
        if (reached := limit.reached(record)) is not None
    }
    for each, reached in stopped.items():
        begin_anew(url, each, refuse)
        say(
            f"{each} goes on: {reached}"
            + (
                f"; {counted(refuse, 'more refusal passes', 'more refusals pass')} without being"
                f" counted"
                if refuse
                else ""
            )
        )
    if not stopped:
        say("No partition has stopped. 没有停止的分区。")


@dataclass
class _Retried:
    """How many messages were sent again, could not be sent, and have no bytes."""

    sent: int = 0
    failed: int = 0
    empty: int = 0


def _of_numbers(
    office: DeadLetterOffice, numbers: Sequence[int]
) -> Iterator[Sequence[RefusedMessage]]:
    """The messages one at a time: each may be large."""
    return (found for number in dict.fromkeys(numbers) if (found := office.by_number([number])))


def _pages(office: DeadLetterOffice, reason: str | None) -> Iterator[Sequence[RefusedMessage]]:
    """The messages that were never sent again, page by page.

    A message that is refused once more meanwhile is left alone, or it would never end.
    """
    after, newest = 0, office.newest_number()
    while letters := office.not_retried(reason, after=after, up_to=newest):
        yield letters
        after = letters[-1].number


def _say_missing(numbers: Sequence[int], office: DeadLetterOffice) -> None:
    missing = sorted(number for number in set(numbers) if not office.by_number([number]))
    if missing:
        raise click.ClickException(f"there is no dead letter {', '.join(map(str, missing))}")


def _office() -> DeadLetterOffice:
    return DeadLetterOffice(load_settings(os.environ).require_database_url())


def _source(letter: RefusedMessage) -> str:
    return f"{letter.topic}[{letter.partition}]@{letter.offset}"


def _key(letter: RefusedMessage) -> bytes:
    """The key of the message: the customer, if the message can be read so far.

    Any other key is as good, since order does not matter.
    """
    try:
        return str(json.loads(letter.payload or b"")["customer_id"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return str(letter.number).encode()
