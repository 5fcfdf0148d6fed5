"""Connects to Kafka as the settings say: for kafka-python here, for Faust in `faust_credentials`.

Settings that contradict each other are refused here, before anything connects. No message repeats a
secret.
"""

from __future__ import annotations

import ipaddress
import ssl
from typing import TYPE_CHECKING, Any

from voc_stream.settings import PREFIX, SettingsError

if TYPE_CHECKING:
    from voc_stream.settings import Settings

OF_USERS = ("kafka_sasl_username", "kafka_sasl_password")
OF_TOKENS = ("kafka_sasl_token_command", "kafka_sasl_token_file")
OF_SASL = ("kafka_sasl_mechanism", *OF_USERS, *OF_TOKENS)
OF_CLIENT_KEYS = ("kafka_ssl_keyfile", "kafka_ssl_key_password")
OF_TLS = ("kafka_ssl_cafile", "kafka_ssl_certfile", *OF_CLIENT_KEYS)


def client_options(settings: Settings) -> dict[str, Any]:
    """What each client of kafka-python is given: brokers, protocol and credentials.

    Raises SettingsError.
    """
    check_security(settings)
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security_protocol,
    }
    context = tls_context(settings)
    if context is not None:
        options["ssl_context"] = context
    if has_sasl(settings):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        if settings.kafka_sasl_mechanism == "OAUTHBEARER":
            from voc_stream.kafka.connection.bearer_token import TokenProvider  # noqa: PLC0415  most clients have none

            options["sasl_oauth_token_provider"] = TokenProvider(settings)
        else:
            options["sasl_plain_username"] = settings.kafka_sasl_username
            options["sasl_plain_password"] = settings.kafka_sasl_password
    return options


def check_security(settings: Settings) -> None:
    """Refuse settings that contradict each other, or that let a password be read on its way.

    Raises SettingsError.
    """
    protocol = settings.kafka_security_protocol
    if not has_tls(settings):
        _refuse(
            settings,
            OF_TLS,
            f"VOC_KAFKA_SECURITY_PROTOCOL is {protocol}, without TLS: set it to SSL or SASL_SSL",
        )
    elif settings.kafka_ssl_certfile is None:
        _refuse(settings, OF_CLIENT_KEYS, "VOC_KAFKA_SSL_CERTFILE is missing: set it")
    if not has_sasl(settings):
        _refuse(
            settings,
            OF_SASL,
            f"VOC_KAFKA_SECURITY_PROTOCOL is {protocol}, without SASL: set it to SASL_SSL",
        )
        return
    _check_credentials(settings)
    away = [
        broker for broker in settings.kafka_bootstrap.split(",") if not _is_this_machine(broker)
    ]
    if protocol == "SASL_PLAINTEXT" and away and not settings.kafka_allow_plaintext_password:
        raise SettingsError(
            f"VOC_KAFKA_SECURITY_PROTOCOL: SASL_PLAINTEXT would send the password to {away[0]}"
            f" unencrypted. Set it to SASL_SSL, or, "
            "where nobody else can listen, set VOC_KAFKA_ALLOW_PLAINTEXT_PASSWORD to true"
        )


def _check_credentials(settings: Settings) -> None:
    """Check that the mechanism has what it needs, and nothing that it would not use."""
    mechanism = settings.kafka_sasl_mechanism
    if mechanism is None:
        raise SettingsError(
            f"VOC_KAFKA_SASL_MECHANISM is missing: VOC_KAFKA_SECURITY_PROTOCOL is"
            f" {settings.kafka_security_protocol}. "
            "Set it to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, whichever the brokers"
            " offer"
        )
    if mechanism == "OAUTHBEARER":
        _refuse(
            settings,
            OF_USERS,
            "VOC_KAFKA_SASL_MECHANISM is OAUTHBEARER, which has a token instead: set another one",
        )
        if (settings.kafka_sasl_token_command is None) == (settings.kafka_sasl_token_file is None):
            raise SettingsError(
                "OAUTHBEARER needs either VOC_KAFKA_SASL_TOKEN_COMMAND or"
                " VOC_KAFKA_SASL_TOKEN_FILE: set one of them"
            )
        return
    _refuse(
        settings,
        OF_TOKENS,
        f"VOC_KAFKA_SASL_MECHANISM is {mechanism}, which has a password instead: set it to"
        f" OAUTHBEARER",
    )
    for name in OF_USERS:
        if getattr(settings, name) is None:
            raise SettingsError(
                f"{_variable(name)} is missing: VOC_KAFKA_SASL_MECHANISM is {mechanism}, which"
                f" needs it"
            )
    # kafka-python does not escape these characters.
    if mechanism != "PLAIN" and {",", "="} & set(str(settings.kafka_sasl_username)):
        raise SettingsError(
            f"VOC_KAFKA_SASL_USERNAME must have no ',' and no '=' with {mechanism}: choose another"
            f" name"
        )


def _refuse(settings: Settings, names: tuple[str, ...], why: str) -> None:
    """Refuse what is set and would not be used: somebody believes that it protects them."""
    for name in names:
        if getattr(settings, name) is not None:
            raise SettingsError(
                f"{_variable(name)} is set, but {why}, or take {_variable(name)} out"
            )


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """A TLS context that checks the brokers' certificate and host name; TLS 1.2 at least.

    None if the protocol has no TLS. Raises SettingsError.
    """
    if not has_tls(settings):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
    except OSError as error:
        raise SettingsError(
            f"VOC_KAFKA_SSL_CAFILE: {settings.kafka_ssl_cafile} cannot be used ({_reason(error)});"
            f" it must hold certificates in PEM"
        ) from error
    # Some machines' OpenSSL still allows TLS 1.0, and Python then leaves the minimum to it.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.kafka_ssl_certfile is not None:
        # If it is given no password at all, OpenSSL would ask the terminal for one.
        password = settings.kafka_ssl_key_password or ""
        try:
            context.load_cert_chain(
                settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile, password
            )
        except OSError as error:
            raise SettingsError(
                f"VOC_KAFKA_SSL_CERTFILE, VOC_KAFKA_SSL_KEYFILE: certificate and key cannot be used"
                f" ({_reason(error)}); both must be "
                "PEM and belong together, and an encrypted key needs VOC_KAFKA_SSL_KEY_PASSWORD"
            ) from error
    return context


def _reason(error: OSError) -> str:
    """The reason in OpenSSL's words, or in the system's."""
    return str(getattr(error, "reason", None) or error.strerror or error)


def _is_this_machine(broker: str) -> bool:
    host = broker.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def has_tls(settings: Settings) -> bool:
    """Whether connections are encrypted."""
    return settings.kafka_security_protocol in {"SSL", "SASL_SSL"}


def has_sasl(settings: Settings) -> bool:
    """Whether a user or a token is sent."""
    return settings.kafka_security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}
