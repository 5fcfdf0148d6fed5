"""One broker of Apache Kafka as companies run it.

TLS, users and ACLs, each kind of connection on a listener of its own.

Tests administrate it through the listener without any security, whose user may do everything.
"""

from __future__ import annotations

import argparse
import base64
import json
import shlex
import stat
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
from cryptography.hazmat.primitives import serialization
from end_to_end.harness import wait_until
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apache_kafka import KafkaCluster

SECURITY_PAGE = Path(__file__).parents[2] / "docs" / "howto" / "secure.md"
PASSWORD = "correct-horse-battery"
USERS = ("voc-init", "voc-worker", "voc-producer", "voc-status")
LISTENERS = {
    "PASSWORDS": "SASL_SSL",
    "TOKENS": "SASL_SSL",
    "CLEAR": "SASL_PLAINTEXT",
    "MUTUAL": "SSL",
    "EXPIRED": "SSL",
    "STRANGER": "SSL",
    "NAMED": "SSL",
}
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
TOKEN_MODULE = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    ' unsecuredLoginStringClaim_sub="broker";'
)


@dataclass(frozen=True)
class Certificates:
    """Files in PEM.

    Attributes:
        authority: what brokers and clients trust.
        other_authority: what nobody has signed with.
        client: certificate and key of the user `voc-worker`.
        encrypted_key: the same key, encrypted with PASSWORD.
    """

    authority: Path
    other_authority: Path
    client: Path
    encrypted_key: Path


@dataclass(frozen=True)
class SecureKafka:
    """The running broker and what a client needs to know of it."""

    cluster: KafkaCluster
    certificates: Certificates

    def admin(self) -> Any:
        """An administrator's client; close it."""
        return closing(KafkaAdminClient(bootstrap_servers=self.cluster.bootstrap))

    def allow(self, acls: Iterable[ACL]) -> None:
        """Add rules."""
        with self.admin() as admin:
            result = admin.create_acls(list(acls))
            assert result["failed"] == []

    def forbid_everything(self) -> None:
        """Remove all rules."""
        with self.admin() as admin:
            anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
            admin.delete_acls(
                [ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)]
            )

    def remove(self, acl: ACL) -> None:
        """Remove one rule."""
        with self.admin() as admin:
            pattern = acl.resource_pattern
            same = ResourcePatternFilter(
                pattern.resource_type, pattern.resource_name, pattern.pattern_type
            )
            [(_, removed, _)] = admin.delete_acls(
                [ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, same)]
            )
            assert len(removed) == 1

    def set_password(self, user: str, password: str) -> None:
        """For both kinds of SCRAM; those of PLAIN are fixed."""
        with self.admin() as admin:
            for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
                admin.alter_user_scram_credentials(
                    [UserScramCredentialUpsertion(user, mechanism, password)]
                )

    def settings(self, listener: str, **changes: Any) -> Settings:
        """Settings of a client of one listener, as the user `voc-worker` where it asks for one."""
        usual: dict[str, Any] = {
            "kafka_bootstrap": self.cluster.listener(listener),
            "kafka_security_protocol": LISTENERS[listener],
        }
        if "SASL" in LISTENERS[listener]:
            usual |= {
                "kafka_sasl_username": "voc-worker",
                "kafka_sasl_password": PASSWORD,
                "kafka_sasl_mechanism": "SCRAM-SHA-512",
            }
        if "SSL" in LISTENERS[listener].removeprefix("SASL"):
            usual |= {"kafka_ssl_cafile": str(self.certificates.authority)}
        return Settings(**(usual | changes))


def documented_acls() -> dict[str, list[ACL]]:
    """The rules of docs/howto/secure.md, by user."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--resource-pattern-type", default="literal")
    for option in ("--operation", "--topic", "--group"):
        parser.add_argument(option, action="append", default=[])
    found: dict[str, list[ACL]] = {}
    for line in SECURITY_PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("kafka-acls.sh --add"):
            rule = parser.parse_args(shlex.split(line)[1:])
            user = rule.allow_principal.removeprefix("User:")
            resources = [("TOPIC", name) for name in rule.topic] + [
                ("GROUP", name) for name in rule.group
            ]
            prefixed = rule.resource_pattern_type == "prefixed"
            found.setdefault(user, []).extend(
                acl(user, operation.upper(), kind, name, prefixed=prefixed)
                for operation in rule.operation
                for kind, name in resources
            )
    return found


def acl(user: str, operation: str, kind: str, name: str, *, prefixed: bool = False) -> ACL:
    """A rule that allows a user one operation."""
    pattern = ResourcePattern(
        ResourceType[kind],
        name,
        ACLResourcePatternType.PREFIXED if prefixed else ACLResourcePatternType.LITERAL,
    )
    return ACL(f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)


def make_certificates(folder: Path) -> Certificates:
    """An authority, the broker's certificates of all kinds, and a client's."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    other.cert_pem.write_to_path(folder / "other-authority.pem")
    long_ago = datetime.now(UTC) - timedelta(days=30)
    broker = {
        "good": authority.issue_cert("localhost", "127.0.0.1"),
        "expired": authority.issue_cert(
            "localhost", "127.0.0.1", not_before=long_ago, not_after=long_ago + timedelta(days=7)
        ),
        "stranger": authority.issue_cert("kafka.example.com"),
        "named": authority.issue_cert("localhost"),
        "stranger-client": other.issue_cert("worker@example.com", common_name="voc-worker"),
        "client": authority.issue_cert("worker@example.com", common_name="voc-worker"),
    }
    for name, issued in broker.items():
        _write(folder / f"{name}.pem", issued)
    key = serialization.load_pem_private_key(broker["client"].private_key_pem.bytes(), None)
    encrypted = serialization.BestAvailableEncryption(PASSWORD.encode())
    (folder / "encrypted-key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted)
    )
    return Certificates(
        folder / "authority.pem",
        folder / "other-authority.pem",
        folder / "client.pem",
        folder / "encrypted-key.pem",
    )


def _write(path: Path, issued: trustme.LeafCert) -> None:
    """Key and chain in one file, the key as Java reads it."""
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem + b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    path.chmod(stat.S_IRUSR)


def properties(folder: Path) -> dict[str, object]:
    """The broker's settings for LISTENERS and ACLs."""
    users = " ".join(f'user_{user}="{PASSWORD}"' for user in USERS)
    found: dict[str, object] = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
        "listener.name.passwords.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.passwords.plain.sasl.jaas.config": f"{PLAIN_MODULE} {users};",
        "listener.name.passwords.scram-sha-256.sasl.jaas.config": SCRAM_MODULE,
        "listener.name.passwords.scram-sha-512.sasl.jaas.config": SCRAM_MODULE,
        "listener.name.clear.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.clear.scram-sha-512.sasl.jaas.config": SCRAM_MODULE,
        "listener.name.tokens.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.tokens.oauthbearer.sasl.jaas.config": TOKEN_MODULE,
        # Whoever has not authenticated anew by then is cut off, as services do that give out
        # tokens.
        "listener.name.tokens.oauthbearer.connections.max.reauth.ms": 6_000,
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": folder / "authority.pem",
    }
    for listener, certificate in {
        "passwords": "good",
        "tokens": "good",
        "mutual": "good",
        "expired": "expired",
        "stranger": "stranger",
        "named": "named",
    }.items():
        found[f"listener.name.{listener}.ssl.keystore.type"] = "PEM"
        found[f"listener.name.{listener}.ssl.keystore.location"] = folder / f"{certificate}.pem"
    return found


def token_of(user: str, lives_seconds: float = 3600) -> str:
    """A token without a signature, which the broker takes in tests only."""

    def part(fields: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()

    claims = {"sub": user, "iat": time.time() - 600, "exp": time.time() + lives_seconds}
    return f"{part({'alg': 'none'})}.{part(claims)}."


def as_user(kafka: SecureKafka, user: str, **changes: Any) -> Settings:
    return kafka.settings(
        "PASSWORDS", kafka_sasl_username=user, partitions=2, web_port=0, **changes
    )


def eventually(call: Callable[[], object]) -> None:
    """A broker applies a new rule a moment after it has accepted it."""

    def succeeds() -> bool:
        try:
            call()
        except TopicsError:
            return False
        return True

    wait_until(succeeds, 10, "the broker applies the rules")
