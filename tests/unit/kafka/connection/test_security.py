from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from faust.types.auth import AuthProtocol

from voc_stream.embedded.machine import without_security
from voc_stream.kafka.connection.faust_credentials import faust_credentials
from voc_stream.kafka.connection.security import client_options
from voc_stream.settings import Settings, SettingsError, load_settings

PASSWORD = "s3cr3t-of-kafka"
USER = {"kafka_sasl_username": "worker", "kafka_sasl_password": PASSWORD}
SCRAM = USER | {"kafka_sasl_mechanism": "SCRAM-SHA-512"}
TOKEN = {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_sasl_token_file": "/run/token"}


def secured(protocol: str, bootstrap: str = "kafka.example.com:9093", **values: Any) -> Settings:
    return Settings(kafka_bootstrap=bootstrap, kafka_security_protocol=protocol, **values)


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        (secured("PLAINTEXT"), "PLAINTEXT"),
        (secured("SSL"), "SSL"),
        (secured("SASL_SSL", **SCRAM), "SASL_SSL"),
        (secured("SASL_SSL", **TOKEN), "SASL_SSL"),
        (secured("SASL_PLAINTEXT", "127.0.0.1:9092", **SCRAM), "SASL_PLAINTEXT"),
        (secured("SASL_PLAINTEXT", "[::1]:9092,localhost:9093", **TOKEN), "SASL_PLAINTEXT"),
    ],
)
def test_both_libraries_get_the_protocol_of_the_settings(settings: Settings, protocol: str) -> None:
    """Faust chooses its protocol by what it is given.

    Without a TLS context it would send a password in the clear.
    """
    options = client_options(settings)
    credentials = faust_credentials(settings)
    assert options["security_protocol"] == protocol
    assert (
        AuthProtocol.PLAINTEXT if credentials is None else credentials.protocol
    ) == AuthProtocol(protocol)
    contexts = [
        options.get("ssl_context"),
        getattr(credentials, "ssl_context", getattr(credentials, "context", None)),
    ]
    for context in contexts:
        assert (context is not None) == protocol.endswith("SSL")
        if context is not None:
            assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
            assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (secured("SASL_SSL"), "VOC_KAFKA_SASL_MECHANISM is missing"),
        (secured("SASL_SSL", kafka_sasl_mechanism="PLAIN"), "VOC_KAFKA_SASL_USERNAME is missing"),
        (
            secured("SASL_SSL", kafka_sasl_mechanism="PLAIN", kafka_sasl_username="a"),
            "VOC_KAFKA_SASL_PASSWORD is missing",
        ),
        (
            secured("SASL_SSL", kafka_sasl_mechanism="OAUTHBEARER"),
            "either VOC_KAFKA_SASL_TOKEN_COMMAND or VOC_KAFKA_SASL_TOKEN_FILE",
        ),
        (
            secured("SASL_SSL", **TOKEN, kafka_sasl_token_command="date"),
            "either VOC_KAFKA_SASL_TOKEN_COMMAND or",
        ),
        (
            secured("SASL_SSL", **TOKEN, kafka_sasl_username="a"),
            "VOC_KAFKA_SASL_USERNAME is set, but .* is OAUTHBEARER",
        ),
        (
            secured("SASL_SSL", **SCRAM, kafka_sasl_token_file="/run/token"),
            "VOC_KAFKA_SASL_TOKEN_FILE is set, but .* SCRAM-SHA-512",
        ),
        (
            secured("SASL_SSL", **(SCRAM | {"kafka_sasl_username": "a,b"})),
            "VOC_KAFKA_SASL_USERNAME must have no ','",
        ),
        (
            secured("PLAINTEXT", **USER),
            "VOC_KAFKA_SASL_USERNAME is set, but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT",
        ),
        (
            secured("SSL", kafka_sasl_password=PASSWORD),
            "VOC_KAFKA_SASL_PASSWORD is set, but VOC_KAFKA_SECURITY_PROTOCOL is SSL",
        ),
        (
            secured("PLAINTEXT", kafka_ssl_cafile="/ca.pem"),
            "VOC_KAFKA_SSL_CAFILE is set, but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT",
        ),
        (
            secured("SSL", kafka_ssl_keyfile="/key.pem"),
            "VOC_KAFKA_SSL_KEYFILE is set, but VOC_KAFKA_SSL_CERTFILE is missing",
        ),
        (
            secured("SSL", kafka_ssl_cafile=__file__),
            "VOC_KAFKA_SSL_CAFILE: .* must hold certificates in PEM",
        ),
        (
            secured("SSL", kafka_ssl_certfile=__file__),
            "VOC_KAFKA_SSL_CERTFILE, VOC_KAFKA_SSL_KEYFILE: .* must be PEM",
        ),
    ],
)
def test_contradictions_are_refused_before_anything_connects(
    settings: Settings, message: str
) -> None:
    """A setting that would not be used is a mistake: somebody believes that it protects them.

    No message holds a secret.
    """
    for build in (client_options, faust_credentials):
        with pytest.raises(SettingsError, match=message) as caught:
            build(settings)
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("credentials", [SCRAM, SCRAM | {"kafka_sasl_mechanism": "PLAIN"}, TOKEN])
def test_password_does_not_leave_the_machine_in_the_clear_unless_told(
    credentials: dict[str, Any],
) -> None:
    """Also where only one of several brokers lies elsewhere, and for tokens."""
    for bootstrap in ("kafka.example.com:9092", "127.0.0.1:9092,10.0.0.7:9092"):
        with pytest.raises(SettingsError, match=r"unencrypted.*VOC_KAFKA_ALLOW_PLAINTEXT_PASSWORD"):
            client_options(secured("SASL_PLAINTEXT", bootstrap, **credentials))
        told = secured(
            "SASL_PLAINTEXT", bootstrap, **credentials, kafka_allow_plaintext_password=True
        )
        assert client_options(told)["security_protocol"] == "SASL_PLAINTEXT"


def test_encrypted_key_needs_its_password_and_never_asks_the_terminal(tmp_path: Any) -> None:
    """OpenSSL would wait at the terminal for a password that is missing."""
    issued = trustme.CA().issue_cert("worker@example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = serialization.BestAvailableEncryption(PASSWORD.encode())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted
    )
    (tmp_path / "key.pem").write_bytes(pem)
    files = {
        "kafka_ssl_certfile": str(tmp_path / "cert.pem"),
        "kafka_ssl_keyfile": str(tmp_path / "key.pem"),
    }
    assert client_options(secured("SSL", **files, kafka_ssl_key_password=PASSWORD))["ssl_context"]
    for password in (None, "wrong"):
        with pytest.raises(SettingsError, match="needs VOC_KAFKA_SSL_KEY_PASSWORD"):
            client_options(secured("SSL", **files, kafka_ssl_key_password=password))


def test_secrets_are_not_shown() -> None:
    """Settings and credentials may be logged; a command may hold a secret, too."""
    settings = secured(
        "SASL_SSL", **SCRAM, kafka_ssl_key_password=PASSWORD, kafka_sasl_token_command=PASSWORD
    )
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in repr(faust_credentials(secured("SASL_SSL", **SCRAM)))


def test_settings_of_a_connection_come_from_variables_and_file(tmp_path: Any) -> None:
    """Words in either case; paths in the file count from its folder; a switch may be TOML's own."""
    (tmp_path / "ca.pem").touch()
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    path = tmp_path / "voc.toml"
    path.write_text(
        'kafka_security_protocol = "sasl_ssl"\nkafka_sasl_mechanism ='
        ' "scram-sha-512"\nkafka_sasl_password_file = "password"\n'
        'kafka_ssl_cafile = "ca.pem"\nkafka_allow_plaintext_password = true\n'
    )
    settings = load_settings({"VOC_CONFIG": str(path), "VOC_KAFKA_SASL_USERNAME": "worker"})
    read = {"kafka_ssl_cafile": str(tmp_path / "ca.pem"), "kafka_allow_plaintext_password": True}
    assert settings == secured("SASL_SSL", Settings().kafka_bootstrap, **SCRAM, **read)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VOC_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("VOC_KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("VOC_KAFKA_SASL_PASSWORD", ""),
        ("VOC_KAFKA_ALLOW_PLAINTEXT_PASSWORD", "perhaps"),
        ("VOC_KAFKA_SSL_CAFILE", "/no/such/ca.pem"),
    ],
)
def test_wrong_value_names_its_setting(variable: str, value: str) -> None:
    """Before anything connects."""
    with pytest.raises(SettingsError, match=f"^{variable} must"):
        load_settings({variable: value})


def test_embedded_broker_is_asked_without_any_of_it() -> None:
    """`up` uses a broker of its own, whatever the settings say about another one."""
    assert without_security(secured("SASL_SSL", **SCRAM)) == Settings(
        kafka_bootstrap="kafka.example.com:9093"
    )
