"""Each of a worker's two processes imports what it needs, and not what the other one needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NEEDED_BY_CHORES = {"numpy", "voc_stream.alerts", "voc_stream.postgres.alerting"}
NEEDED_BY_THE_STREAM = {"aiohttp", "aiokafka", "faust", "kafka", "prometheus_client"}


@pytest.mark.parametrize(
    ("module", "needless", "needed"),
    [
        ("voc_stream.cli.worker", NEEDED_BY_CHORES, NEEDED_BY_THE_STREAM),
        ("voc_stream.cli.running.chores", NEEDED_BY_THE_STREAM, NEEDED_BY_CHORES),
    ],
)
def test_a_process_does_not_import_what_only_the_other_one_needs(
    module: str, needless: set[str], needed: set[str]
) -> None:
    """Modules stay in memory for good, in each process: here they are dozens of MiB."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}, sys; print(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported = set(done.stdout.split())
    assert imported & needless == set()
    assert needed <= imported
