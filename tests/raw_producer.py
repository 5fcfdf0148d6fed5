"""Producers as other companies have them.

With any codec, and one that sends the bytes of a batch as they are.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_MS = 60_000
# Brokers allow what a test asks them to allow.
LARGEST_BATCH_BYTES = 1 << 30


def send_batch(bootstrap: str, topic: str, partition: int, data: bytes) -> int:
    """Send one batch, whatever it is; the offset at which the broker put it.

    Raises KafkaError if the broker refuses it.
    """

    async def send() -> int:
        client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=TIMEOUT_MS)
        await client.bootstrap()
        try:
            client.set_topics([topic])
            await client.force_metadata_update()
            request = ProduceRequest(
                transactional_id=None,
                required_acks=-1,
                timeout=TIMEOUT_MS,
                topics=[(topic, [(partition, data)])],
            )
            answer = await client.send(
                client.cluster.leader_for_partition(TopicPartition(topic, partition)), request
            )
        finally:
            await client.close()
        ((_, ((_, code, offset, *_),)),) = answer.topics
        if code:
            raise for_code(code)
        return int(offset)

    return asyncio.run(send())


def send_compressed(bootstrap: str, topic: str, values: Sequence[bytes], codec: str | None) -> None:
    """Send messages by aiokafka with one of its codecs, many in a batch."""

    async def send() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=codec,
            linger_ms=100,
            max_batch_size=LARGEST_BATCH_BYTES,
            max_request_size=LARGEST_BATCH_BYTES,
            request_timeout_ms=TIMEOUT_MS,
        )
        async with producer:
            await asyncio.gather(
                *[await producer.send(topic, value, key=_key(value)) for value in values]
            )

    asyncio.run(send())


def _key(value: bytes) -> bytes | None:
    return str(json.loads(value)["customer_id"]).encode() if value.startswith(b"{") else None


def kcat() -> str | None:
    """The program, where it is installed."""
    return shutil.which("kcat") or shutil.which("kafkacat")


def send_by_kcat(
    program: str, bootstrap: str, topic: str, values: Sequence[bytes], codec: str
) -> None:
    """Send messages by librdkafka's command."""
    arguments = [
        program,
        "-P",
        "-b",
        bootstrap,
        "-t",
        topic,
        "-z",
        codec,
        "-X",
        "acks=all",
        "-X",
        "linger.ms=100",
    ]
    done = subprocess.run(
        arguments, input=b"\n".join(values), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
