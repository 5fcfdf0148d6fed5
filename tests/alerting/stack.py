"""Everything that an alert passes through.

A service, Prometheus that scrapes its workers, Alertmanager, and somebody to be told.
"""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from alerting.monitoring import Alertmanager, Firing, Prometheus
from alerting.stories import EXPERIENCE, SITE, history
from alerting.webhook import Webhook
from kafka import KafkaConsumer

from voc_stream.simulator.call_centre import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from end_to_end.harness import Service, Worker

DROPPED = "VocKeyExperienceDropped"
HISTORY_SECONDS = 180.0
"""Without load it takes ten. Baselines are looked for once a minute at least."""
QUIET_MILLISECONDS = 3000
"""A topic that gives nothing for so long has given all that it holds."""


class Stack:
    """The parts, running, with a service that has no worker yet.

    Args:
        service: its workers are scraped as they come and go.
        folder: for configurations, data and logs.
    """

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self._stack = ExitStack()
        try:
            token = secrets.token_hex()
            self.webhook = self._stack.enter_context(Webhook(token))
            self.alertmanager = self._stack.enter_context(
                Alertmanager(folder, self.webhook.port, token)
            )
            self.prometheus = self._stack.enter_context(Prometheus(folder, self.alertmanager.port))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_worker(self) -> Worker:
        """One worker more, which is scraped."""
        worker = self.service.start_worker()
        self._follow()
        return worker

    def kill_worker(self, worker: Worker) -> None:
        """One worker less.

        Prometheus goes on looking for it until there is another one, as it does where addresses do
        not change.
        """
        self.service.kill_worker(worker)

    def wait_until(
        self, condition: Callable[[], bool], timeout_seconds: float, what: Callable[[], str] | str
    ) -> None:
        """Under supervision.

        AssertionError where the time is up, with what was waited for and what the parts say.
        """

        def looked_after() -> bool:
            self._follow()
            return condition()

        self.service.wait_until(
            looked_after,
            timeout_seconds,
            lambda: f"{what if isinstance(what, str) else what()}\n{self.report()}",
        )

    def play_history(self) -> None:
        """Let a worker take in a history.

        Then wait until drops below it can be seen at the shop of the stories.
        """
        self.service.send(simulate(history()))
        self.start_worker()
        self.wait_until(
            self._is_watching,
            HISTORY_SECONDS,
            f"the history is in, and {EXPERIENCE} at {SITE} has a baseline",
        )

    def firing(self, name: str, **labels: str) -> list[Firing]:
        """The alerts of that name that fire in Prometheus and have these labels."""
        return [
            alert
            for alert in self.prometheus.firing(name)
            if labels.items() <= alert.labels.items()
        ]

    def announcements(self) -> list[dict[str, Any]]:
        """All messages of the topic of alerts, oldest first."""
        settings = self.service.settings
        options = {
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "consumer_timeout_ms": QUIET_MILLISECONDS,
        }
        with closing(
            KafkaConsumer(
                f"{settings.topic_prefix}alerts",
                bootstrap_servers=settings.kafka_bootstrap,
                **options,
            )
        ) as consumer:
            found = [
                (message.timestamp, message.key.decode(), json.loads(message.value))
                for message in consumer
            ]
        assert all(key == announced["alert_id"] for _, key, announced in found), (
            "the key is the alert's"
        )
        return [announced for _, _, announced in sorted(found, key=lambda each: each[0])]

    def report(self) -> str:
        """What there is to say where something did not happen."""
        shown = [
            f"{alert['state']} {alert['labels']}"
            for alert in self.prometheus.ask("/api/v1/alerts")["data"]["alerts"]
        ]
        told = [
            f"{told.receiver} {told.status} {dict(told.labels)}" for told in self.webhook.told[-10:]
        ]
        logs = [
            f"--- {part.child.name}\n{part.child.log_tail()}"
            for part in (self.prometheus, self.alertmanager)
        ]
        rows = self.service.query(
            "SELECT a.rule, a.scope, a.experience, a.started_at, a.ended_at, a.evidence ->> 'n',"
            " right(d.state::text, 300) FROM alert a"
            " LEFT JOIN detector d USING (scope_type, scope, experience) WHERE a.rule = %s ORDER BY"
            " a.started_at",
            (DROPPED,),
        )
        return "\n".join(
            [
                "--- drops, and their detectors",
                *map(str, rows),
                "--- in Prometheus",
                *shown,
                "--- told last",
                *told,
                *logs,
            ]
        )

    def _is_watching(self) -> bool:
        self.service.wait_until_caught_up(HISTORY_SECONDS)
        return bool(
            self.service.query(
                "SELECT FROM detector WHERE scope = %s AND experience = %s", (SITE, EXPERIENCE)
            )
        )

    def _follow(self) -> None:
        if self.service.workers:
            self.prometheus.follow([worker.settings.web_port for worker in self.service.workers])
