"""When a broker of Apache Kafka does not serve a client, one sentence says why.

It says what is wrong, where, and what to do.
"""

from __future__ import annotations

import gc
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from apache.secure_kafka import LISTENERS, SecureKafka, token_of
from kafka_worker import settings_for

from voc_stream.kafka.connection.ask import TopicsError, require_broker
from voc_stream.kafka.topics import require_readable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRONG = "wrong-s3cr3t"
SOON_SECONDS = 8.0


@pytest.fixture
def collected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python leaves sockets of failed handshakes to the collector.

    Captured log records would keep them for longer than the test.
    """
    with caplog.at_level(logging.CRITICAL + 1, "kafka"):
        yield
    gc.collect()


@pytest.mark.parametrize(
    ("listener", "changes", "sentence"),
    [
        (
            "PASSWORDS",
            {"kafka_sasl_password": WRONG},
            "refuses user voc-worker by SCRAM-SHA-512: check VOC_KAFKA_SASL_USERNAME and",
        ),
        (
            "PASSWORDS",
            {"kafka_sasl_mechanism": "SCRAM-SHA-256", "kafka_sasl_password": WRONG},
            "refuses user voc-worker by SCRAM-SHA-256",
        ),
        (
            "PASSWORDS",
            {"kafka_sasl_mechanism": "PLAIN", "kafka_sasl_username": "nobody"},
            "refuses user nobody by PLAIN",
        ),
        (
            "CLEAR",
            {"kafka_sasl_mechanism": "PLAIN"},
            "does not offer PLAIN, but SCRAM-SHA-512: set VOC_KAFKA_SASL_MECHANISM",
        ),
        ("TOKENS", {}, "does not offer SCRAM-SHA-512, but OAUTHBEARER"),
        (
            "PASSWORDS",
            {"kafka_ssl_cafile": "other-authority.pem"},
            "signed by no authority that we trust .*set VOC_KAFKA_SSL_CAFILE",
        ),
        ("EXPIRED", {}, "certificate has expired: renew it on the broker"),
        (
            "STRANGER",
            {},
            (
                "certificate is for another host than 127.0.0.1: name the broker in"
                " VOC_KAFKA_BOOTSTRAP"
            ),
        ),
        ("MUTUAL", {}, "perhaps it asks for a client's certificate, VOC_KAFKA_SSL_CERTFILE"),
        (
            "MUTUAL",
            {"kafka_ssl_certfile": "stranger-client.pem"},
            "refuses our certificate .*check VOC_KAFKA_SSL_CERTFILE",
        ),
    ],
)
def test_each_refusal_has_its_sentence(
    kafka: SecureKafka, listener: str, changes: dict[str, Any], sentence: str
) -> None:
    """What is wrong, where, and what to do; within a second or so; without a secret."""
    folder = kafka.certificates.authority.parent
    found = {
        name: str(folder / value) if str(value).endswith(".pem") else value
        for name, value in changes.items()
    }
    settings = kafka.settings(listener, **found)
    started = time.monotonic()
    with pytest.raises(TopicsError, match=sentence) as caught:
        require_broker(settings)
    assert time.monotonic() - started < SOON_SECONDS
    assert str(caught.value).startswith(f"Kafka at {settings.kafka_bootstrap}: ")
    assert WRONG not in str(caught.value)


@pytest.mark.parametrize(
    ("listener", "spoken", "sentence"),
    [
        (
            "MUTUAL",
            "PLAINTEXT",
            "speaks TLS, but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT: set it to SSL or SASL_SSL",
        ),
        (
            "PASSWORDS",
            "SASL_PLAINTEXT",
            "speaks TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT: set it to SASL_SSL",
        ),
        ("PLAINTEXT", "SSL", "speaks no TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SSL"),
        ("CLEAR", "SASL_SSL", "speaks no TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SASL_SSL"),
        (
            "CLEAR",
            "PLAINTEXT",
            r"asks for a user \(by SCRAM-SHA-512\), but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT",
        ),
        (
            "PASSWORDS",
            "SSL",
            (
                r"asks for a user \(by .*SCRAM-SHA-512.*\), but VOC_KAFKA_SECURITY_PROTOCOL is SSL:"
                r" set"
                r" it to SASL_SSL"
            ),
        ),
        (
            "PLAINTEXT",
            "SASL_PLAINTEXT",
            "asks for no user on this port: set VOC_KAFKA_SECURITY_PROTOCOL to PLAINTEXT",
        ),
        ("STRANGER", "SASL_PLAINTEXT", "speaks TLS"),
    ],
)
def test_another_protocol_than_the_ports_has_its_sentence(
    kafka: SecureKafka, listener: str, spoken: str, sentence: str
) -> None:
    """A client that takes the port for another kind is told so.

    A plain client on a TLS port and the other way round; with a user on a port that asks for none,
    and the other way round.
    """
    like = (
        next(name for name in ("PASSWORDS", "CLEAR", "MUTUAL") if LISTENERS[name] == spoken)
        if spoken != "PLAINTEXT"
        else "PLAIN"
    )
    address = (
        kafka.cluster.bootstrap if listener == "PLAINTEXT" else kafka.cluster.listener(listener)
    )
    settings = (
        settings_for(address, "voc.")
        if like == "PLAIN"
        else kafka.settings(like, kafka_bootstrap=address)
    )
    started = time.monotonic()
    with pytest.raises(TopicsError, match=sentence):
        require_broker(settings)
    assert time.monotonic() - started < SOON_SECONDS


def test_an_expired_or_missing_token_has_its_sentence(kafka: SecureKafka, tmp_path: Path) -> None:
    """A token that nobody renewed is refused by the broker.

    One that is not there is not even sent.
    """
    token = tmp_path / "token"
    changes = {
        "kafka_sasl_username": None,
        "kafka_sasl_password": None,
        "kafka_sasl_mechanism": "OAUTHBEARER",
    }
    settings = kafka.settings("TOKENS", **changes, kafka_sasl_token_file=str(token))
    with pytest.raises(TopicsError, match=r"VOC_KAFKA_SASL_TOKEN_FILE: .* cannot be read"):
        require_broker(settings)
    token.write_text(token_of("voc-worker", lives_seconds=-60))
    with pytest.raises(TopicsError, match="refuses the user of the token by OAUTHBEARER") as caught:
        require_broker(settings)
    assert token.read_text() not in str(caught.value)
    token.write_text(token_of("voc-worker"))
    assert require_broker(settings)


@pytest.mark.usefixtures("collected")
def test_an_address_that_only_the_brokers_tell_is_looked_at_too(kafka: SecureKafka) -> None:
    """A certificate must fit both addresses of a broker.

    That of the settings, and the one by which the broker is then called.
    """
    port = kafka.cluster.listener("NAMED").rpartition(":")[2]
    settings = kafka.settings("NAMED", kafka_bootstrap=f"localhost:{port}")
    assert require_broker(settings)
    with pytest.raises(
        TopicsError,
        match=r"for another host than 127\.0\.0\.1.*told by the brokers: advertised\.listeners",
    ):
        require_readable(settings)
