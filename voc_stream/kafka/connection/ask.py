"""Asks Kafka something over a short-lived client.

If Kafka does not answer, it says plainly what keeps it from that.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka.errors import AuthorizationError, KafkaError

from voc_stream.errors import VocError
from voc_stream.kafka.connection.probe import (
    SECURITY_PAGE,
    RefusalError,
    bootstrap_addresses,
    principal,
    probe,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voc_stream.kafka.connection.probe import Address
    from voc_stream.settings import Settings


class TopicsError(VocError):
    """Kafka cannot be reached, refuses us, or the topics are not as they must be.

    The message says what to do.
    """


class UnreachableError(TopicsError):
    """No broker answers at all; one may be just starting."""


def require_broker(settings: Settings) -> Sequence[Address]:
    """The addresses of all brokers, from the first broker that serves us.

    It fails within seconds. kafka-python would try for long, would not tell why, and forgets to
    close the sockets of refused connections. Raises TopicsError, SettingsError.
    """
    refusals: list[str] = []
    for address in bootstrap_addresses(settings):
        try:
            return probe(settings, address)
        except RefusalError as refusal:
            refusals.append(str(refusal))
        except OSError:
            continue
    if refusals:
        raise TopicsError(f"Kafka at {refusals[0]}")
    raise UnreachableError(
        f"no broker answers at {settings.kafka_bootstrap}: check VOC_KAFKA_BOOTSTRAP and the broker"
    )


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Ask a broker whether it serves us, and translate errors in the block.

    What a client of kafka-python raises there becomes TopicsError.
    """
    brokers = require_broker(settings)
    try:
        yield
    except KafkaError as error:
        raise TopicsError(_why(settings, brokers, error)) from error


def _why(settings: Settings, brokers: Sequence[Address], error: KafkaError) -> str:
    if isinstance(error, AuthorizationError):
        return (
            f"Kafka at {settings.kafka_bootstrap} forbids it to {principal(settings)} ({error}):"
            f" see {SECURITY_PAGE}"
        )
    # By the address in the settings a client meets only one broker. It meets all of them by the
    # addresses that the brokers tell.
    for address in brokers:
        try:
            probe(settings, address)
        except RefusalError as refusal:
            return f"Kafka at {refusal} (this address is told by the brokers: advertised.listeners)"
        except OSError as problem:
            return (
                f"Kafka at {settings.kafka_bootstrap} says that a broker is at {address}, and"
                f" nothing answers there ({problem})"
            )
    return (
        f"Kafka at {settings.kafka_bootstrap} does not answer as it must ({error}): check"
        f" VOC_KAFKA_BOOTSTRAP and the broker"
    )
