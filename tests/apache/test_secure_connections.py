"""Connections to Apache Kafka with TLS, users and ACLs.

They work, and when they do not, one sentence says why.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

import pytest
from apache.secure_kafka import (
    PASSWORD,
    SecureKafka,
    as_user,
    documented_acls,
    eventually,
    token_of,
)
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import Restart, Service, environment_of, wait_until
from fakes import MemoryChores, MemorySink
from kafka_worker import produce, settings_for, started_workers

from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.push import Pusher, Record
from voc_stream.kafka.topics import (
    ensure_topics,
    require_readable,
    require_worker_access,
    unwritable_topics,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from end_to_end.harness import Worker
    from kafka.admin import ACL

    from voc_stream.settings import Settings
    from voc_stream.simulator.delivery.message import SimulatedMessage

EVENTS = 1_000
WRONG = "wrong-s3cr3t"
SOON_SECONDS = 8.0


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("PASSWORDS", {"kafka_sasl_mechanism": "PLAIN"}),
        (
            "MUTUAL",
            {
                "kafka_ssl_certfile": "client.pem",
                "kafka_ssl_keyfile": "encrypted-key.pem",
                "kafka_ssl_key_password": PASSWORD,
            },
        ),
        (
            "TOKENS",
            {
                "kafka_sasl_mechanism": "OAUTHBEARER",
                "kafka_sasl_username": None,
                "kafka_sasl_password": None,
            },
        ),
    ],
)
def test_a_worker_takes_in_events_by_each_kind_of_connection(
    allowed: SecureKafka, tmp_path: Path, listener: str, changes: dict[str, Any]
) -> None:
    """TLS with a user, with a client's certificate, and with a token that a command prints.

    SCRAM is tested from end to end below.
    """
    folder = allowed.certificates.authority.parent
    files = {
        name: str(folder / value)
        for name, value in changes.items()
        if name in {"kafka_ssl_certfile", "kafka_ssl_keyfile"}
    }
    if listener == "TOKENS":
        (tmp_path / "token").write_text(token_of("voc-worker"))
        files["kafka_sasl_token_command"] = shlex.join(["cat", str(tmp_path / "token")])
    settings = allowed.settings(listener, partitions=2, web_port=0, **(changes | files))
    sink = MemorySink()
    with started_workers() as start:
        start(settings, sink, MemoryChores())
        ids = {f"{listener[0].lower()}{number}" for number in range(30)}
        produce(settings_for(allowed.cluster.bootstrap, "voc."), ids)
        wait_until(lambda: ids <= sink.seen, 30, "the worker has taken in what was sent")


def test_a_worker_outlives_sessions_and_an_expired_token(
    allowed: SecureKafka, tmp_path: Path
) -> None:
    """The broker cuts off who has not authenticated anew.

    A token that nobody renewed is named, and a renewed one is used at once.
    """
    token = tmp_path / "token"
    token.write_text(token_of("voc-worker"))
    own = {
        "kafka_sasl_mechanism": "OAUTHBEARER",
        "kafka_sasl_username": None,
        "kafka_sasl_password": None,
    }
    settings = allowed.settings(
        "TOKENS", partitions=2, web_port=0, **own, kafka_sasl_token_file=str(token)
    )
    everybody, sink = settings_for(allowed.cluster.bootstrap, "voc."), MemorySink()
    with started_workers() as start:
        worker = start(settings, sink, MemoryChores())
        produce(everybody, ["e1"])
        wait_until(lambda: "e1" in sink.seen, 30, "the worker takes in events")
        token.write_text(token_of("voc-worker", lives_seconds=-60))
        wait_until(
            lambda: "refuses the user of the token" in str(worker.parts.not_ready()),
            40,
            lambda: str(worker.parts.not_ready()),
        )
        produce(everybody, ["e2"])
        token.write_text(token_of("voc-worker"))
        wait_until(
            lambda: "e2" in sink.seen and worker.is_ready, 40, lambda: str(worker.parts.not_ready())
        )


def test_service_lives_by_the_documented_rules_alone(
    allowed: SecureKafka, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS, SCRAM and ACLs.

    A worker waits for its password to be mended, the tables are right, and each command has a user
    of its own.
    """
    settings = as_user(
        allowed, "voc-worker", database_url=database_url, broker_session_timeout_seconds=6
    )
    monkeypatch.setattr(Service, "restart", Restart.NEVER)
    with Service(settings, tmp_path) as service:
        service.settings = replace(settings, kafka_sasl_password=WRONG)
        worker = service.start_worker()
        wait_until(
            lambda: "refuses user voc-worker by SCRAM-SHA-512" in readiness(worker),
            SOON_SECONDS * 3,
            lambda: readiness(worker),
        )
        assert "refuses user voc-worker" in worker.child.log_tail()
        allowed.set_password("voc-worker", WRONG)
        service.wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        send(as_user(allowed, "voc-producer"), service, simulated_messages(EVENTS))
        service.wait_until_caught_up()
        service.wait_until(
            lambda: worker.metric('voc_dead_letters_published_total{outcome="sent"}') > 0,
            20,
            "dead letters are sent",
        )
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
            assert (
                code != 0 or command == ["status"],
                seconds < SOON_SECONDS,
                "s3cr3t" in output,
            ) == (True, True, False), output
            code, output, _ = run(as_user(allowed, user, database_url=database_url), command)
            assert (code, "Lag is unknown" in output) == (0, False), output
    allowed.set_password("voc-worker", PASSWORD)


def test_each_documented_rule_is_needed_and_its_lack_is_named(allowed: SecureKafka) -> None:
    """Taken away, each rule gives a sentence that names user, operation and resource.

    No rule of the page is superfluous.
    """
    users: dict[str, Callable[[Settings], object]] = {
        "voc-init": lambda settings: ensure_topics(
            replace(settings, topic_prefix=f"voc.new{next(numbers)}.")
        ),
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
    """One topic that may not be read stops no other.

    A dead letter waits for its topic; without its group a worker ends to come again.
    """
    settings = as_user(
        allowed, "voc-worker", database_url=database_url, broker_session_timeout_seconds=6
    )
    rules = {
        str(rule.resource_pattern.resource_name): rule for rule in documented_acls()["voc-worker"]
    }
    producer = as_user(allowed, "voc-producer")
    with Service(settings, tmp_path) as service:
        worker = service.start_worker()
        wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        service.wait_until_caught_up()  # with what other tests have sent
        allowed.remove(rules["voc.callbacks"])
        allowed.remove(rules["voc.dead-letters"])
        wait_until(
            lambda: "read topic voc.callbacks" in readiness(worker), 20, lambda: readiness(worker)
        )
        before = service.progress()
        with pusher(producer) as running:
            running.push(
                [
                    Record("voc.customers", b"x", b"no event", 1),
                    Record("voc.callbacks", b"x", b"no event", 2),
                ]
            )
        wait_until(lambda: service.progress() == before + 1, 20, "the other topics go on")
        wait_until(
            lambda: "write to topic voc.dead-letters" in log_of(worker),
            20,
            "the log names the rule",
        )
        allowed.allow([rules["voc.callbacks"], rules["voc.dead-letters"]])
        wait_until(lambda: readiness(worker) == "ok\n", 30, lambda: readiness(worker))
        wait_until(lambda: service.progress() == before + 2, 20, "what waited is taken in")
        wait_until(
            lambda: worker.metric('voc_dead_letters_published_total{outcome="sent"}') >= 2,
            20,
            "the dead letters are sent",
        )
        allowed.remove(rules["voc-stream"])
        wait_until(lambda: worker.child.exit_code() == 75, 30, "it asks to be started again")
        assert "GroupAuthorizationFailed" in log_of(worker)


def test_a_topic_that_may_not_be_written_costs_its_own_events_only(allowed: SecureKafka) -> None:
    """Each such event is reported with the reason; the others are delivered."""
    rules = {
        str(rule.resource_pattern.resource_name): rule for rule in documented_acls()["voc-producer"]
    }
    allowed.remove(rules["voc.complaints"])
    producer = as_user(allowed, "voc-producer")
    wait_until(lambda: bool(unwritable_topics(producer)), 10, "the rule is gone")
    failed: dict[int, str] = {}
    with Pusher[int](
        producer, 20, lambda: None, lambda record, why: failed.update({record.origin: why})
    ) as running:
        delivered = running.push(
            [Record("voc.complaints", b"x", b"1", 1), Record("voc.customers", b"x", b"2", 2)]
        )
    assert (delivered, list(failed)) == (1, [1])
    assert "write to topic voc.complaints" in failed[1]


# What the tests share.


def send(settings: Settings, service: Service, messages: Sequence[SimulatedMessage]) -> None:
    """As another user than the worker's."""
    with pusher(settings) as running:
        running.push(
            Record(settings.topic_prefix + each.topic, each.key, each.value, 0)
            for each in messages
            if each.value is not None
        )
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
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{worker.settings.web_port}/readyz", timeout=3
        ) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return error.read().decode()
    except (URLError, OSError) as error:
        return repr(error)


def log_of(worker: Worker) -> str:
    return worker.child.log_path.read_text()


def file_of_one_event(folder: Path) -> Path:
    path = folder / "event.jsonl"
    valid = next(
        each.value
        for each in simulated_messages(EVENTS)
        if each.value is not None and not each.kind.startswith("broken")
    )
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
