"""Having no data is no good news.

Whatever stops while an alert fires, the alert goes on, and what stopped is told instead.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from alerting.call_centre import CallCentre
from alerting.scaled import FRESH_SECONDS, KEEP_FIRING_SECONDS, STOPPED
from alerting.stack import DROPPED, Stack
from alerting.stories import EXPERIENCE, SITE, decline
from builders import callback, message
from end_to_end.harness import Service

from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.settings import Settings
from voc_stream.simulator.delivery.message import SimulatedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.simulator.options import SimulationOptions

pytestmark = [pytest.mark.alerts, pytest.mark.slow]

FIRES_SECONDS = 90.0
TOLD_SECONDS = 60.0
WELL_SECONDS = 90.0
FORGOTTEN_SECONDS = FRESH_SECONDS + KEEP_FIRING_SECONDS + 4.0
"""After so long an alert that lived only by what a worker shows would be gone.

Some scrapes and evaluations more.
"""
RESOLVED_SECONDS = KEEP_FIRING_SECONDS + 4.0
"""The same where a worker shows that it is over."""
EVALUATED_SECONDS = 4.0
"""Several evaluations; Prometheus knows, too."""
QUIET_SITES = ("shop-new", "shop-quiet")
"""One that nobody knows anything about, and one with a past."""
FEW = 3
RULES_OF_SCORES = (DROPPED, "VocExperienceBelowExpectation")


class Scene:
    """A drop fires at a shop, and everybody has stopped calling.

    Attributes:
        stack: everything.
        postgres: the server behind it; a test that stops it puts another one in its place.
        data_dir: of the server.
        labels: of the alert.
    """

    def __init__(self, stack: Stack, postgres: Postgres, data_dir: Path) -> None:
        self.stack = stack
        self.postgres = postgres
        self.data_dir = data_dir
        self.labels = stack.firing(DROPPED, site=SITE, experience=EXPERIENCE)[0].labels

    def is_firing(self) -> bool:
        """Whether it does in Prometheus, still the same alert."""
        return bool(self.stack.firing(DROPPED, **self.labels))

    def hold(self, seconds: float, during: str, told_of: str | None = None) -> None:
        """Let time pass, at least until an alert about the service was told.

        Fail at once where the drop does not fire any more.
        """
        ends = datetime.now(UTC) + timedelta(seconds=seconds)

        def is_over() -> bool:
            assert self.is_firing(), (
                f"{during}, the alert went on for less than {seconds:.0f} s\n{self.stack.report()}"
            )
            return datetime.now(UTC) >= ends and (told_of is None or self._is_told(told_of))

        self.stack.wait_until(
            is_over,
            seconds + TOLD_SECONDS,
            f"the webhook is told of {told_of}" if told_of else "time passes",
        )

    def _is_told(self, name: str) -> bool:
        alerts = self.stack.firing(name, severity="warning" if name == STOPPED else "critical")
        return any(self.stack.webhook.about(alert.labels, "firing") for alert in alerts)

    def assert_it_goes_on(self) -> None:
        """Once the service is well again, which lets an end pass that was kept back.

        There is none, and none was told.
        """
        well = {"VocWorkerDown", "VocEvaluatorStale"}
        self.stack.wait_until(
            lambda: not any(map(self.stack.firing, well)),
            WELL_SECONDS,
            f"{' and '.join(sorted(well))} end",
        )
        self.hold(RESOLVED_SECONDS, "when the service was well again")
        assert self.stack.webhook.about(self.labels, "resolved") == []
        assert self.stack.service.query(
            "SELECT ended_at FROM alert WHERE rule = %s AND scope = %s AND experience = %s",
            (DROPPED, SITE, EXPERIENCE),
        ) == [(None,)]


@pytest.fixture(scope="module")
def scene(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Played once; every test leaves it as it found it."""
    folder, prefix = tmp_path_factory.mktemp("no-data"), f"test-{uuid4().hex[:12]}."
    with ExitStack() as stack:
        # Not pytest's own folder, which is closed to the user that the server runs as.
        data_dir = Path(
            stack.enter_context(TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True))
        )
        postgres = stack.enter_context(Postgres(data_dir, free_port()))
        settings = Settings(
            kafka_bootstrap=broker,
            database_url=postgres.url,
            topic_prefix=prefix,
            group=f"{prefix}group",
            web_port=0,
            partitions=2,
            broker_session_timeout_seconds=6,
            evaluation_interval_seconds=1,
        )
        service = stack.enter_context(Service(settings, folder))
        service.send(_answers("shop-quiet", 30, score=9, days_ago=5))
        everything = stack.enter_context(Stack(service, folder))
        everything.play_history()
        with CallCentre(service, _decline_of_all()) as centre:
            everything.wait_until(
                lambda: bool(everything.firing(DROPPED, site=SITE, experience=EXPERIENCE)),
                FIRES_SECONDS,
                f"{DROPPED} fires at {SITE}",
            )
            centre.stop()
        service.wait_until_caught_up()
        played = Scene(everything, postgres, data_dir)
        everything.wait_until(
            lambda: bool(everything.webhook.about(played.labels, "firing")),
            TOLD_SECONDS,
            f"the webhook is told of {played.labels}",
        )
        try:
            yield played
        finally:
            played.postgres.stop()


def _decline_of_all() -> SimulationOptions:
    """All advisors become worse, so no answer that is still under way can raise a doubt."""
    options = decline()
    assert options.decline is not None
    return replace(options, decline=replace(options.decline, share_of_others=1.0))


def test_three_terrible_answers_are_no_alert(scene: Scene) -> None:
    """However bad they are, a few customers are no drop and no level.

    Neither at a shop without a past nor at one with a good one.
    """
    stack, service = scene.stack, scene.stack.service
    assert service.query(
        "SELECT DISTINCT scope FROM detector WHERE scope = ANY(%s)", (list(QUIET_SITES),)
    ) == [("shop-quiet",)]
    for site in QUIET_SITES:
        service.send(_answers(site, FEW, score=0))
    service.wait_until_caught_up()
    stack.wait_until(
        lambda: (
            service.query(
                "SELECT scope, n FROM rolling_satisfaction WHERE horizon = '1h' AND scope = ANY(%s)"
                " AND experience = %s ORDER BY scope",
                (list(QUIET_SITES), EXPERIENCE),
            )
            == [(site, FEW) for site in QUIET_SITES]
        ),
        TOLD_SECONDS,
        "the answers are in the rolling tables",
    )
    settled = datetime.now(UTC) + timedelta(seconds=EVALUATED_SECONDS)
    stack.wait_until(
        lambda: bool(service.query("SELECT FROM evaluation_clock WHERE as_of > %s", (settled,))),
        TOLD_SECONDS,
        "they were evaluated",
    )
    assert (
        service.query("SELECT FROM detector_clock WHERE heard_until < now() - interval '3 h'") == []
    )
    assert (
        service.query(
            "SELECT rule FROM alert WHERE scope = ANY(%s) AND rule = ANY(%s)",
            (list(QUIET_SITES), list(RULES_OF_SCORES)),
        )
        == []
    )
    assert [
        alert
        for rule in RULES_OF_SCORES
        for site in QUIET_SITES
        for alert in stack.firing(rule, site=site)
    ] == []


def test_the_call_centre_stops(scene: Scene) -> None:
    """While nothing arrives and the worker goes on evaluating, nothing has become better.

    That nothing arrives is told.
    """
    scene.stack.service.send(_answers("shop-quiet", 30, score=9))
    scene.stack.service.wait_until_caught_up()
    scene.hold(RESOLVED_SECONDS, "while nobody called", told_of=STOPPED)
    assert scene.stack.webhook.about(scene.labels, "resolved") == []


def test_the_worker_is_killed(scene: Scene) -> None:
    """Nobody evaluates.

    That is told, and the alert stays as it was until a worker is there again, and then, too.
    """
    stack = scene.stack
    [worker] = stack.service.workers
    stack.wait_until(lambda: not stack.firing("VocWorkerDown"), WELL_SECONDS, "the worker is up")
    stack.kill_worker(worker)
    try:
        scene.hold(FORGOTTEN_SECONDS, "while there was no worker", told_of="VocWorkerDown")
        assert stack.firing("VocEvaluatorStale")
    finally:
        stack.start_worker()
    scene.assert_it_goes_on()


def test_postgresql_stops(scene: Scene) -> None:
    """The worker lives and shows what it read last: that is told, and not believed for long.

    The alert stays as it was.
    """
    stack = scene.stack
    scene.postgres.stop()
    try:
        scene.hold(FORGOTTEN_SECONDS, "while PostgreSQL was away", told_of="VocPostgresUnavailable")
        assert stack.firing("VocEvaluatorStale")
    finally:
        scene.postgres = Postgres(scene.data_dir, scene.postgres.port)
    scene.assert_it_goes_on()
    assert all(worker.is_running for worker in stack.service.workers)


def _answers(
    site: str, number: int, *, score: float, days_ago: float = 0.0
) -> list[SimulatedMessage]:
    """Callbacks with this score for every rating that is a key experience.

    Each is of another customer.
    """
    moment = datetime.now(UTC) - timedelta(days=days_ago)
    answers = [
        {"item": item, "score": score}
        for item in ("overall", EXPERIENCE, "repair_quality", "service_time")
    ]
    return [
        SimulatedMessage(
            moment,
            moment,
            "callbacks",
            f"{site}-{customer}".encode(),
            message(
                callback(
                    f"{site}-{customer}-{score}",
                    occurred_at=moment.isoformat(),
                    customer_id=f"{site}-{customer}",
                    site_id=site,
                    answers=answers,
                )
            ),
            "valid",
        )
        for customer in range(number)
    ]
