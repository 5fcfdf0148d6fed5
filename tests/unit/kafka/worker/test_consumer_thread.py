"""What the broker refuses must not end the thread that fetches."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalSaslStateError, TopicAuthorizationFailedError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from voc_stream.kafka.worker import consumer_thread
from voc_stream.kafka.worker.consumer_thread import BatchThread


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (IllegalSaslStateError(), "Kafka refuses the token"),
        (
            TopicAuthorizationFailedError("voc.callback"),
            "Kafka does not let this worker read topic voc.callback",
        ),
    ],
)
def test_fetching_goes_on_after_a_refusal(
    error: Exception, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that the broker refuses brings nothing, and `/readyz` says why; the next may work."""

    async def refuse(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(AIOKafkaConsumerThread, "_fetch_records", refuse)
    monkeypatch.setattr(consumer_thread, "REFUSED_PAUSE_SECONDS", 0.0)
    state = SimpleNamespace(held=frozenset(), kafka_problem=None)
    thread = object.__new__(BatchThread)
    vars(thread)["transport"] = SimpleNamespace(ledger=SimpleNamespace(state=state))
    thread._messages_left = 1
    monkeypatch.setattr(BatchThread, "sleep", lambda _self, _seconds: asyncio.sleep(0.0))

    assert asyncio.run(thread._fetch_records(None, set())) == {}
    assert problem in str(state.kafka_problem)
