"""Has one short conversation with a broker, to learn why it does not serve us.

It uses the protocol and credentials of the settings. kafka-python tries a broker again and again
whatever the reason. It often loses the broker's answer to a wrong password, because the answer and
the end of the connection come together. So this speaks over a plain socket, with that library's
messages.
"""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka.errors import IllegalSaslStateError, NoError, UnsupportedSaslMechanismError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from voc_stream.errors import VocError
from voc_stream.kafka.connection.bearer_token import TokenError
from voc_stream.kafka.connection.conversation import Conversation
from voc_stream.kafka.connection.security import client_options, has_sasl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.settings import Settings

SECURITY_PAGE = "docs/howto/secure.md"
EXPIRED, NOT_YET_VALID, WRONG_NAME, WRONG_ADDRESS = 10, 9, 62, 64
"""Verification errors of OpenSSL; all others say that no authority we trust has signed."""
PROTOCOL = "VOC_KAFKA_SECURITY_PROTOCOL"


class Address(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RefusalError(VocError):
    """A broker answers, and does not serve us; the message says why and what to do."""


def bootstrap_addresses(settings: Settings) -> list[Address]:
    """The brokers to ask first."""
    parts = (broker.rpartition(":") for broker in settings.kafka_bootstrap.split(","))
    return [Address(host.strip("[]"), int(port)) for host, _, port in parts]


def probe(settings: Settings, address: Address) -> Sequence[Address]:
    """The addresses that the broker tells for all brokers.

    Raises:
        OSError: nothing answers there.
        RefusalError: something answers, but no broker that serves us.
        SettingsError: the settings contradict each other.
    """
    options = client_options(settings)
    try:
        with closing(Conversation(*address)) as talk:
            if "ssl_context" in options:
                talk.encrypt(options["ssl_context"])
            if has_sasl(settings):
                _authenticate(talk, options, principal(settings), address)
            answer = talk.ask(MetadataRequest(topics=[], version=4))
    except ssl.SSLCertVerificationError as error:
        raise RefusalError(f"{address}: {_distrust(error, address)}") from error
    except TimeoutError as error:
        if "ssl_context" in options and _answers(address, None, ApiVersionsRequest(version=0)):
            raise RefusalError(f"{address}: {_no_tls(settings)}") from error
        raise
    except (ssl.SSLError, EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise RefusalError(
            f"{address}: {_misunderstanding(settings, options, address, error)}"
        ) from error
    return [Address(broker.host, broker.port) for broker in answer.brokers]


def _authenticate(talk: Conversation, options: dict[str, Any], who: str, address: Address) -> None:
    name = options["sasl_mechanism"]
    answer = talk.ask(SaslHandshakeRequest(mechanism=name, version=1))
    problem = for_code(answer.error_code)
    if problem is UnsupportedSaslMechanismError and name not in answer.mechanisms:
        offered = ", ".join(answer.mechanisms) or "none"
        raise RefusalError(
            f"{address}: the broker does not offer {name}, but {offered}: set"
            f" VOC_KAFKA_SASL_MECHANISM to one of them"
        )
    if problem is IllegalSaslStateError:
        raise RefusalError(
            f"{address}: the broker asks for no user on this port: set {PROTOCOL} to PLAINTEXT or"
            f" SSL, or use another port"
        )
    refused = f"{address}: the broker refuses {who} by {name}"
    try:
        mechanism = get_sasl_mechanism(name)(host=address.host, **options)
        while not mechanism.is_done():
            answer = talk.ask(SaslAuthenticateRequest(mechanism.auth_bytes(), version=1))
            if for_code(answer.error_code) is not NoError:
                raise RefusalError(
                    f"{refused}: check {_credentials(name)}, and that the broker knows the user"
                )
            mechanism.receive(answer.auth_bytes)
    except TokenError as error:
        raise RefusalError(str(error)) from error
    except ValueError as error:  # the broker could not prove that it knows the password
        raise RefusalError(f"{refused}: check {_credentials(name)} ({error})") from error


def _distrust(error: ssl.SSLCertVerificationError, address: Address) -> str:
    """What is wrong with the broker's certificate."""
    if error.verify_code == EXPIRED:
        return "the broker's certificate has expired: renew it on the broker"
    if error.verify_code == NOT_YET_VALID:
        return "the broker's certificate is not valid yet: check the clocks of both machines"
    if error.verify_code in {WRONG_NAME, WRONG_ADDRESS}:
        return (
            f"the broker's certificate is for another host than {address.host}: name the broker in"
            f" VOC_KAFKA_BOOTSTRAP, and in its own "
            "advertised.listeners, as its certificate does"
        )
    return (
        f"the broker's certificate is signed by no authority that we trust"
        f" ({error.verify_message}): set VOC_KAFKA_SSL_CAFILE to the "
        "certificate of the authority that signed it"
    )


def _misunderstanding(
    settings: Settings, options: dict[str, Any], address: Address, error: Exception
) -> str:
    """Why the broker ended the connection, by what else it would have answered."""
    protocol = settings.kafka_security_protocol
    context = options.get("ssl_context")
    if context is None and _speaks_tls(address):
        return (
            f"the port speaks TLS, but {PROTOCOL} is {protocol}: set it to"
            f" {'SASL_SSL' if has_sasl(settings) else 'SSL or SASL_SSL'}"
        )
    if context is not None and _answers(address, None, ApiVersionsRequest(version=0)):
        return _no_tls(settings)
    if not has_sasl(settings):
        answer = _answers(address, context, SaslHandshakeRequest(mechanism="", version=1))
        if answer and for_code(answer.error_code) is UnsupportedSaslMechanismError:
            offered = ", ".join(answer.mechanisms)
            wanted = "SASL_PLAINTEXT" if context is None else "SASL_SSL"
            return (
                f"the broker asks for a user (by {offered}), but {PROTOCOL} is {protocol}: set it"
                f" to {wanted}, see {SECURITY_PAGE}"
            )
    if context is not None:
        reason = str(getattr(error, "reason", None) or error).lower().replace("_", " ")
        if settings.kafka_ssl_certfile is None:
            return (
                f"the broker ends the TLS connection ({reason}): perhaps it asks for a client's"
                f" certificate, VOC_KAFKA_SSL_CERTFILE"
            )
        return (
            f"the broker refuses our certificate ({reason}): check VOC_KAFKA_SSL_CERTFILE, and that"
            f" the broker trusts who signed it"
        )
    return (
        f"the broker closes the connection without an answer; check {PROTOCOL} ({protocol}), the"
        f" port, and the broker's log"
    )


def _no_tls(settings: Settings) -> str:
    other = "SASL_PLAINTEXT" if has_sasl(settings) else "PLAINTEXT"
    return (
        f"the port speaks no TLS, but {PROTOCOL} is {settings.kafka_security_protocol}: use the"
        f" broker's TLS port, or set it to {other}"
    )


def _speaks_tls(address: Address) -> bool:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE  # nothing is sent: only to learn what the port speaks
    try:
        with closing(Conversation(*address)) as talk:
            talk.encrypt(trusting)
    except OSError:
        return False
    return True


def _answers(address: Address, context: ssl.SSLContext | None, question: Any) -> Any:
    """The answer to one question on a connection of its own; None if there is no answer."""
    try:
        with closing(Conversation(*address)) as talk:
            if context is not None:
                talk.encrypt(context)
            return talk.ask(question)
    except (OSError, EOFError):
        return None


def principal(settings: Settings) -> str:
    """Who we are to the brokers, for messages."""
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return "the user of the token"
    if settings.kafka_sasl_username is not None:
        return f"user {settings.kafka_sasl_username}"
    return (
        "clients without a user"
        if settings.kafka_ssl_certfile is None
        else f"the user of {settings.kafka_ssl_certfile}"
    )


def _credentials(mechanism: str) -> str:
    if mechanism == "OAUTHBEARER":
        return "what VOC_KAFKA_SASL_TOKEN_COMMAND or VOC_KAFKA_SASL_TOKEN_FILE gives"
    return "VOC_KAFKA_SASL_USERNAME and VOC_KAFKA_SASL_PASSWORD"
