"""What the end-to-end tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from end_to_end.harness import Restart, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voc_stream.settings import Settings


@pytest.fixture(autouse=True)
def restart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Apache Kafka every worker keeps its group, and none has a reason to end by itself."""
    if request.config.getoption("--broker") == "apache":
        monkeypatch.setattr(Service, "restart", Restart.NEVER)


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    """A service with its topics and tables, and no worker yet.

    Its batches are small, so that much happens between them.
    """
    with Service(replace(settings, maximum_batch_messages=250), tmp_path) as running:
        yield running
