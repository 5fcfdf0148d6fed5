"""One cause at one site is one message, by real Prometheus and Alertmanager; time is scaled."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from alerting.monitoring import Alertmanager, Prometheus
from alerting.webhook import Webhook
from alerting.worker_page import WorkerPage
from end_to_end.harness import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.alerts, pytest.mark.slow]

DEPARTMENT = "service-department"
TOLD_SECONDS = 60.0
"""Without load it takes three."""
AT_A_SITE = {"rule": "VocKeyExperienceDropped", "severity": "warning", "department": "service"}
ANN = {"site": "s-1", "horizon": "24h", "explained_by": "ann"}


class Scene:
    """A page of open alerts, and who is told of them."""

    def __init__(self, page: WorkerPage, webhook: Webhook) -> None:
        self.page = page
        self._webhook = webhook

    def messages(self) -> list[set[tuple[str, str]]]:
        """Of each message to the department, the sites and experiences of its lines."""
        return [
            {(each.labels["site"], each.labels["experience"]) for each in message}
            for message in list(self._webhook.messages)
            if message[0].receiver == DEPARTMENT
        ]

    def wait_for(self, lines: set[tuple[str, str]]) -> None:
        """Until a message with just these lines came."""
        wait_until(
            lambda: lines in self.messages(),
            TOLD_SECONDS,
            lambda: f"one message has the lines {lines}: {self.messages()}",
        )

    def told(self, experience: str) -> str:
        """What was said of an experience, in both languages."""
        return next(
            f"{each.annotations['summary']} / {each.annotations['summary_zh']}"
            for message in list(self._webhook.messages)
            for each in message
            if each.labels["experience"] == experience
        )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        webhook = stack.enter_context(Webhook("token"))
        alertmanager = stack.enter_context(Alertmanager(tmp_path, webhook.port, "token"))
        prometheus = stack.enter_context(Prometheus(tmp_path, alertmanager.port))
        page = stack.enter_context(WorkerPage())
        prometheus.follow([page.port])
        yield Scene(page, webhook)


def test_experiences_that_fall_because_of_one_advisor_are_lines_of_one_message(
    scene: Scene,
) -> None:
    """Together at once, and those that follow later, too.

    What has another cause, or happens at another site, is a message of its own.
    """
    scene.page.open(**AT_A_SITE, **ANN, experience="advisor_service")
    scene.page.open(**AT_A_SITE, **ANN, experience="overall")
    scene.page.open(**AT_A_SITE, site="s-1", horizon="7d", mix="fleet", experience="repair_quality")
    scene.page.open(**AT_A_SITE, site="s-1", horizon="7d", experience="service_time")
    scene.page.open(**AT_A_SITE, **ANN | {"site": "s-2"}, experience="overall")
    because_of_ann = {("s-1", "advisor_service"), ("s-1", "overall")}
    for lines in (
        because_of_ann,
        {("s-1", "repair_quality")},
        {("s-1", "service_time")},
        {("s-2", "overall")},
    ):
        scene.wait_for(lines)
    # A week later by the clock of evidence: another horizon is no other cause.
    scene.page.open(**AT_A_SITE, **ANN | {"horizon": "7d"}, experience="explanation")
    scene.wait_for(because_of_ann | {("s-1", "explanation")})
    for message in scene.messages():
        if ("s-1", "explanation") in message or ("s-1", "overall") in message:
            assert because_of_ann <= message


def test_a_change_of_mix_is_told_as_such_in_both_languages(scene: Scene) -> None:
    """The message says that it is the mix, and blames nobody."""
    scene.page.open(**AT_A_SITE, site="s-1", horizon="7d", mix="fleet", experience="overall")
    scene.wait_for({("s-1", "overall")})
    told = scene.told("overall")
    assert "mostly a change of mix: fleet" in told
    assert "主要是构成变化：fleet" in told
