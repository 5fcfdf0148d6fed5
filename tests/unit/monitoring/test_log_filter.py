from __future__ import annotations

import logging

from voc_stream.monitoring.log_filter import MOST_MESSAGES, Repetition


def said(
    filter_: Repetition,
    at: float,
    message: str,
    *arguments: object,
    name: str = "aiokafka",
    level: int = logging.ERROR,
) -> str | None:
    record = logging.LogRecord(name, level, __file__, 1, message, arguments, None)
    record.created = at
    return record.getMessage() if filter_.filter(record) else None


def test_a_message_that_repeats_is_shown_once_in_a_while_with_its_count() -> None:
    """Nobody reads the same line 250 times a second.

    How often it came is told with the next one.
    """
    filter_ = Repetition(rest_seconds=30.0)
    assert said(filter_, 0.0, "Unable connect to node %d", 1) == "Unable connect to node 1"
    assert [
        said(filter_, 0.1 * place, "Unable connect to node %d", place) for place in range(1, 200)
    ] == [None] * 199
    assert (
        said(filter_, 30.0, "Unable connect to node %d", 7)
        == "Unable connect to node 7 (and 199 more like it)"
    )
    assert said(filter_, 61.0, "Unable connect to node %d", 7) == "Unable connect to node 7"


def test_other_messages_are_not_left_out() -> None:
    """Another text, another level and another logger say something else."""
    filter_ = Repetition()
    assert said(filter_, 0.0, "away") == "away"
    assert said(filter_, 0.1, "back") == "back"
    assert said(filter_, 0.1, "away", level=logging.WARNING) == "away"
    assert said(filter_, 0.1, "away", name="faust") == "away"
    assert said(filter_, 0.1, "away") is None


def test_messages_without_end_take_no_memory_without_end() -> None:
    """A text that is different each time is shown each time, and forgotten."""
    filter_ = Repetition()
    for number in range(3 * MOST_MESSAGES):
        assert said(filter_, 0.0, f"number {number}") is not None
    assert len(filter_._shown) <= MOST_MESSAGES
