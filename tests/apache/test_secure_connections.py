"""Connections to Apache Kafka with TLS, users and ACLs: they work, and when they do not, one sentence says why."""

from __future__ import annotations

import base64
import gc
import json
import logging
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

import pytest
from apache.secure_kafka import LISTENERS, PASSWORD, USERS, SecureKafka, documented_acls, make_certificates, properties
from apache_kafka import KafkaCluster
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import Restart, Service, environment_of, wait_until
from fakes import MemorySink, MemoryUpkeep
from kafka_worker import produce, settings_for, started_workers

from voc_stream.embedded.ports import LOOPBACK
from voc_stream.kafka.access import TopicsError, require_broker
from voc_stream.kafka.push import Pusher, Record
from voc_stream.kafka.topics import ensure_topics, require_readable, require_worker_access, unwritable_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from end_to_end.harness import Worker
    from kafka.admin import ACL

    from voc_stream.settings import Settings
    from voc_stream.simulator.message import SimulatedMessage

EVENTS = 1_000
WRONG = "wrong-s3cr3t"
SOON_SECONDS = 8.0


def token_of(user: str, lives_seconds: float = 3600) -> str:
    """A token without a signature, which the broker takes in tests only."""

    def part(fields: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': time.time() - 600, 'exp': time.time() + lives_seconds})}."


@pytest.fixture(scope="module")
def kafka() -> Iterator[SecureKafka]:
    """One broker for this module, with users and no rules."""
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        with KafkaCluster(folder, listeners=LISTENERS, properties=properties(folder)) as cluster:
            secure = SecureKafka(cluster, certificates)
            for user in USERS:
                secure.set_password(user, PASSWORD)
            yield secure


def as_user(kafka: SecureKafka, user: str, **changes: Any) -> Settings:
    return kafka.settings("PASSWORDS", kafka_sasl_username=user, partitions=2, web_port=0, **changes)


@pytest.fixture
def collected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python leaves sockets of failed handshakes to the collector; captured log records would keep them for longer than the test."""
    with caplog.at_level(logging.CRITICAL + 1, "kafka"):
        yield
    gc.collect()


@pytest.fixture
def allowed(kafka: SecureKafka) -> Iterator[SecureKafka]:
    """The broker with exactly the documented rules, and the topics that `init` makes by them."""
    for rules in documented_acls().values():
        kafka.allow(rules)
    eventually(lambda: ensure_topics(as_user(kafka, "voc-init")))
    eventually(lambda: require_worker_access(as_user(kafka, "voc-worker")))
    yield kafka
    kafka.forbid_everything()


def eventually(call: Callable[[], object]) -> None:
    """A broker applies a new rule a moment after it has accepted it."""

    def succeeds() -> bool:
        try:
            call()
        except TopicsError:
            return False
        return True

    wait_until(succeeds, 10, "the broker applies the rules")


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("PASSWORDS", {"kafka_sasl_mechanism": "PLAIN"}),
        ("MUTUAL", {"kafka_ssl_certfile": "client.pem", "kafka_ssl_keyfile": "encrypted-key.pem", "kafka_ssl_key_password": PASSWORD}),
        ("TOKENS", {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_sasl_username": None, "kafka_sasl_password": None}),
    ],
)
def test_a_worker_takes_in_events_by_each_kind_of_connection(
    allowed: SecureKafka, tmp_path: Path, listener: str, changes: dict[str, Any]
) -> None:
    """TLS with a user, with a client's certificate, and with a token that a command prints. SCRAM is tested from end to end below."""
    folder = allowed.certificates.authority.parent
    files = {name: str(folder / value) for name, value in changes.items() if name in {"kafka_ssl_certfile", "kafka_ssl_keyfile"}}
    if listener == "TOKENS":
        (tmp_path / "token").write_text(token_of("voc-worker"))
        files["kafka_sasl_token_command"] = shlex.join(["cat", str(tmp_path / "token")])
    settings = allowed.settings(listener, partitions=2, web_port=0, **(changes | files))
    sink = MemorySink()
    with started_workers() as start:
        start(settings, sink, MemoryUpkeep())
        ids = {f"{listener}-{number}" for number in range(30)}
        produce(settings_for(allowed.cluster.bootstrap, "voc."), ids)
        wait_until(lambda: ids <= sink.seen, 30, "the worker has taken in what was sent")


def test_service_lives_by_the_documented_rules_alone(
    allowed: SecureKafka, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS, SCRAM and ACLs: a worker waits for its password to be mended, the tables are right, and each command has a user of its own."""
    settings = as_user(allowed, "voc-worker", database_url=database_url, broker_session_timeout_seconds=6)
    monkeypatch.setattr(Service, "restart", Restart.NEVER)
    with Service(settings, tmp_path) as service:
        service.settings = replace(settings, kafka_sasl_password=WRONG)
        worker = service.start_worker()
        wait_until(lambda: "refuses user voc-worker by SCRAM-SHA-512" in readiness(worker), SOON_SECONDS * 3, lambda: readiness(worker))
        assert "refuses user voc-worker" in worker.child.log_tail()
        allowed.set_password("voc-worker", WRONG)
        service.wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        send(as_user(allowed, "voc-producer"), service, simulated_messages(EVENTS))
        service.wait_until_caught_up()
        service.wait_until(lambda: worker.metric('voc_dead_letters_published_total{outcome="sent"}') > 0, 20, "dead letters are sent")
        assert worker.metric("voc_timer_errors_total") == 0
        assert WRONG not in worker.child.log_path.read_text()
        service.assert_tables_are_right()
        refused = {"database_url": database_url, "kafka_sasl_password": "another-s3cr3t"}
        for user, command in (
            ("voc-init", ["init"]),
            ("voc-producer", ["push", str(file_of_one_event(tmp_path))]),
            ("voc-producer", ["simulate", "--count", "5", "--history-days", "0"]),
            ("voc-producer", ["dead-letters", "retry", "--all"]),
            ("voc-status", ["status"]),
        ):
            code, output, seconds = run(as_user(allowed, user, **refused), command)
            assert f"refuses user {user} by SCRAM-SHA-512" in output
            assert (code != 0 or command == ["status"], seconds < SOON_SECONDS, "s3cr3t" in output) == (True, True, False), output
            code, output, _ = run(as_user(allowed, user, database_url=database_url), command)
            assert (code, "Lag is unknown" in output) == (0, False), output
    allowed.set_password("voc-worker", PASSWORD)


def test_each_documented_rule_is_needed_and_its_lack_is_named(allowed: SecureKafka) -> None:
    """Taken away, each rule gives a sentence that names user, operation and resource; no rule of the page is superfluous."""
    users: dict[str, Callable[[Settings], object]] = {
        "voc-init": lambda settings: ensure_topics(replace(settings, topic_prefix=f"voc.new{next(numbers)}.")),
        "voc-worker": require_worker_access,
        "voc-producer": refuse_unwritable,
        "voc-status": require_readable,
    }
    numbers = iter(range(1000))
    for user, rules in documented_acls().items():
        settings, call = as_user(allowed, user), users[user]
        for rule in rules:
            if is_of_output(rule):
                continue  # a worker goes on without: see the next test
            allowed.remove(rule)
            said = first_problem(call, settings)
            assert f"does not let user {user} " in said
            assert (rule.resource_pattern.resource_name or "") in said
            assert f"add an ACL that allows {rule.operation.name.capitalize()} on it" in said
            allowed.allow([rule])
            eventually(partial(call, settings))


def test_a_running_worker_names_a_rule_that_is_taken_away_and_goes_on_when_it_is_back(
    allowed: SecureKafka, database_url: str, tmp_path: Path
) -> None:
    """One topic that may not be read stops no other; a dead letter waits for its topic; without its group a worker ends to come again."""
    settings = as_user(allowed, "voc-worker", database_url=database_url, broker_session_timeout_seconds=6)
    rules = {str(rule.resource_pattern.resource_name): rule for rule in documented_acls()["voc-worker"]}
    producer = as_user(allowed, "voc-producer")
    with Service(settings, tmp_path) as service:
        worker = service.start_worker()
        wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        service.wait_until_caught_up()  # with what other tests have sent
        allowed.remove(rules["voc.callbacks"])
        allowed.remove(rules["voc.dead-letters"])
        wait_until(lambda: "read topic voc.callbacks" in readiness(worker), 20, lambda: readiness(worker))
        before = service.progress()
        with pusher(producer) as running:
            running.push([Record("voc.customers", b"x", b"no event", 1), Record("voc.callbacks", b"x", b"no event", 2)])
        wait_until(lambda: service.progress() == before + 1, 20, "the other topics go on")
        wait_until(lambda: "write to topic voc.dead-letters" in log_of(worker), 20, "the log names the rule")
        allowed.allow([rules["voc.callbacks"], rules["voc.dead-letters"]])
        wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        wait_until(lambda: service.progress() == before + 2, 20, "what waited is taken in")
        wait_until(lambda: worker.metric('voc_dead_letters_published_total{outcome="sent"}') >= 2, 20, "the dead letters are sent")
        allowed.remove(rules["voc-stream"])
        wait_until(lambda: worker.child.exit_code() == 75, 30, "it asks to be started again")
        assert "GroupAuthorizationFailed" in log_of(worker)


@pytest.mark.parametrize(
    ("listener", "changes", "sentence"),
    [
        ("PASSWORDS", {"kafka_sasl_password": WRONG}, "refuses user voc-worker by SCRAM-SHA-512: check VOC_KAFKA_SASL_USERNAME and"),
        ("PASSWORDS", {"kafka_sasl_mechanism": "SCRAM-SHA-256", "kafka_sasl_password": WRONG}, "refuses user voc-worker by SCRAM-SHA-256"),
        ("PASSWORDS", {"kafka_sasl_mechanism": "PLAIN", "kafka_sasl_username": "nobody"}, "refuses user nobody by PLAIN"),
        ("CLEAR", {"kafka_sasl_mechanism": "PLAIN"}, "does not offer PLAIN, but SCRAM-SHA-512: set VOC_KAFKA_SASL_MECHANISM"),
        ("TOKENS", {}, "does not offer SCRAM-SHA-512, but OAUTHBEARER"),
        ("PASSWORDS", {"kafka_ssl_cafile": "other-authority.pem"}, "signed by no authority that we trust .*set VOC_KAFKA_SSL_CAFILE"),
        ("EXPIRED", {}, "certificate has expired: renew it on the broker"),
        ("STRANGER", {}, "certificate is for another host than 127.0.0.1: name the broker in VOC_KAFKA_BOOTSTRAP"),
        ("MUTUAL", {}, "perhaps it asks for a client's certificate, VOC_KAFKA_SSL_CERTFILE"),
        ("MUTUAL", {"kafka_ssl_certfile": "stranger-client.pem"}, "refuses our certificate .*check VOC_KAFKA_SSL_CERTFILE"),
    ],
)
def test_each_refusal_has_its_sentence(kafka: SecureKafka, listener: str, changes: dict[str, Any], sentence: str) -> None:
    """What is wrong, where, and what to do; within a second or so; without a secret."""
    folder = kafka.certificates.authority.parent
    found = {name: str(folder / value) if str(value).endswith(".pem") else value for name, value in changes.items()}
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
        ("MUTUAL", "PLAINTEXT", "speaks TLS, but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT: set it to SSL or SASL_SSL"),
        ("PASSWORDS", "SASL_PLAINTEXT", "speaks TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT: set it to SASL_SSL"),
        ("PLAINTEXT", "SSL", "speaks no TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SSL"),
        ("CLEAR", "SASL_SSL", "speaks no TLS, but VOC_KAFKA_SECURITY_PROTOCOL is SASL_SSL"),
        ("CLEAR", "PLAINTEXT", r"asks for a user \(by SCRAM-SHA-512\), but VOC_KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        ("PASSWORDS", "SSL", r"asks for a user \(by .*SCRAM-SHA-512.*\), but VOC_KAFKA_SECURITY_PROTOCOL is SSL: set it to SASL_SSL"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "asks for no user on this port: set VOC_KAFKA_SECURITY_PROTOCOL to PLAINTEXT"),
        ("STRANGER", "SASL_PLAINTEXT", "speaks TLS"),
    ],
)
def test_another_protocol_than_the_ports_has_its_sentence(kafka: SecureKafka, listener: str, spoken: str, sentence: str) -> None:
    """A plain client on a TLS port and the other way round, with a user where none is asked for and the other way round."""
    like = next(name for name in ("PASSWORDS", "CLEAR", "MUTUAL") if LISTENERS[name] == spoken) if spoken != "PLAINTEXT" else "PLAIN"
    address = kafka.cluster.bootstrap if listener == "PLAINTEXT" else kafka.cluster.listener(listener)
    settings = settings_for(address, "voc.") if like == "PLAIN" else kafka.settings(like, kafka_bootstrap=address)
    started = time.monotonic()
    with pytest.raises(TopicsError, match=sentence):
        require_broker(settings)
    assert time.monotonic() - started < SOON_SECONDS


def test_an_expired_or_missing_token_has_its_sentence(kafka: SecureKafka, tmp_path: Path) -> None:
    """A token that nobody renewed is refused by the broker; one that is not there is not even sent."""
    token = tmp_path / "token"
    changes = {"kafka_sasl_username": None, "kafka_sasl_password": None, "kafka_sasl_mechanism": "OAUTHBEARER"}
    settings = kafka.settings("TOKENS", **changes, kafka_sasl_token_file=str(token))
    with pytest.raises(TopicsError, match=r"VOC_KAFKA_SASL_TOKEN_FILE: .* cannot be read"):
        require_broker(settings)
    token.write_text(token_of("voc-worker", lives_seconds=-60))
    with pytest.raises(TopicsError, match="refuses the user of the token by OAUTHBEARER") as caught:
        require_broker(settings)
    assert token.read_text() not in str(caught.value)
    token.write_text(token_of("voc-worker"))
    assert require_broker(settings)


def test_a_topic_that_may_not_be_written_costs_its_own_events_only(allowed: SecureKafka) -> None:
    """Each such event is reported with the reason; the others are delivered."""
    rules = {str(rule.resource_pattern.resource_name): rule for rule in documented_acls()["voc-producer"]}
    allowed.remove(rules["voc.complaints"])
    producer = as_user(allowed, "voc-producer")
    wait_until(lambda: bool(unwritable_topics(producer)), 10, "the rule is gone")
    failed: dict[int, str] = {}
    with Pusher[int](producer, 20, lambda: None, lambda record, why: failed.update({record.origin: why})) as running:
        delivered = running.push([Record("voc.complaints", b"x", b"1", 1), Record("voc.customers", b"x", b"2", 2)])
    assert (delivered, list(failed)) == (1, [1])
    assert "write to topic voc.complaints" in failed[1]


@pytest.mark.usefixtures("collected")
def test_an_address_that_only_the_brokers_tell_is_looked_at_too(kafka: SecureKafka) -> None:
    """A certificate that fits the address in the settings need not fit the one by which the broker is then called."""
    port = kafka.cluster.listener("NAMED").rpartition(":")[2]
    settings = kafka.settings("NAMED", kafka_bootstrap=f"localhost:{port}")
    assert require_broker(settings)
    with pytest.raises(TopicsError, match=r"for another host than 127\.0\.0\.1.*told by the brokers: advertised\.listeners"):
        require_readable(settings)


# What the tests share.


def send(settings: Settings, service: Service, messages: Sequence[SimulatedMessage]) -> None:
    """As another user than the worker's."""
    with pusher(settings) as running:
        running.push(Record(settings.topic_prefix + each.topic, each.key, each.value, 0) for each in messages if each.value is not None)
    service.sent += [each.value for each in messages if each.value is not None]


def pusher(settings: Settings) -> Pusher[int]:
    def fail(record: Record[int], why: str) -> None:
        raise AssertionError(f"{record.topic}: {why}")

    return Pusher[int](settings, 30, lambda: None, fail)


def refuse_unwritable(settings: Settings) -> None:
    for reason in unwritable_topics(settings).values():
        raise TopicsError(reason)


def is_of_output(rule: ACL) -> bool:
    return str(rule.resource_pattern.resource_name) in {"voc.dead-letters", "voc.alerts"}


def first_problem(call: Callable[[Settings], object], settings: Settings) -> str:
    """What the call says as soon as the broker has applied that a rule is gone."""
    found: list[str] = []

    def fails() -> bool:
        try:
            call(settings)
        except TopicsError as error:
            found.append(str(error))
        return bool(found)

    wait_until(fails, 10, "the rule is gone")
    return found[0]


def readiness(worker: Worker) -> str:
    """What `/readyz` says; the reason where there is no answer."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{worker.settings.web_port}/readyz", timeout=3) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return error.read().decode()
    except (URLError, OSError) as error:
        return repr(error)


def log_of(worker: Worker) -> str:
    return worker.child.log_path.read_text()


def file_of_one_event(folder: Path) -> Path:
    path = folder / "event.jsonl"
    valid = next(each.value for each in simulated_messages(EVENTS) if each.value is not None and not each.kind.startswith("broken"))
    path.write_bytes(valid + b"\n")
    return path


def run(settings: Settings, arguments: Sequence[str]) -> tuple[int, str, float]:
    """Exit code, all output, and seconds of a command."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "voc_stream", *arguments],
        env=environment_of(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - started
