"""R8: the network between a worker and its servers goes away without a word, and comes back.

Or it is slow and resets connections.

VOC_TEST_PARTITION_SECONDS is for how long (15): longer than the session timeout of 6 s, than the 10
s after which unacknowledged data end a connection, and than the 11 s of keepalives. 120 is the full
length.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chaos.conftest import SESSION_TIMEOUT_SECONDS
from chaos.kafka_behind_proxy import KafkaBehindProxy
from chaos.load import Load
from chaos.network import HOST, INSIDE, Namespace, NoNetworkError
from chaos.proxy import FaultProxy
from chaos.recovery import Recovery, note
from chaos.server import Server
from chaos.service import ChaosService, hold_for, through
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

from voc_stream.embedded.postgres import SETTINGS
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.settings import Settings

PARTITION_SECONDS = from_environment("VOC_TEST_PARTITION_SECONDS", 15)
DEADLINE_SECONDS = 4
DELAY_SECONDS = 0.03
RESET_INTERVAL_SECONDS = 4.0
EVENTS_PER_SECOND = 100.0
EVENTS = round(EVENTS_PER_SECOND * (PARTITION_SECONDS + 8))
# The session ends; a transaction that the lost worker left open ends by the server's keepalives;
# then a retry.
TAKE_OVER_SECONDS = SESSION_TIMEOUT_SECONDS + 11.0 + 8.0

pytestmark = pytest.mark.chaos


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A network whose cable can be pulled."""
    try:
        made = Namespace()
    except NoNetworkError as error:
        pytest.skip(f"no network of its own for a worker: {error}")
    with made:
        yield made


def test_cable_pulled(namespace: Namespace, chaos_settings: Settings, tmp_path: Path) -> None:
    """A worker loses everything at once.

    The other takes over all of it, and the lost one comes back when the network does.
    """
    random = chance()
    with ExitStack() as stack:
        # Directly on the worker's network, without a proxy, so that each side has to notice by
        # itself that the other is gone.
        server = stack.enter_context(server_at(HOST, stack))
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True)
        )
        kafka = stack.enter_context(KafkaBehindProxy(Path(folder), HOST))
        settings = replace(
            chaos_settings, kafka_bootstrap=kafka.bootstrap, database_url=server.create_database()
        )
        service = stack.enter_context(ChaosService(settings, tmp_path))
        far = replace(through(settings, server.port, HOST), kafka_bootstrap=kafka.proxied_bootstrap)
        service.start_worker(settings=far, prefix=namespace.prefix)
        near = service.start_worker()
        snapshots = stack.enter_context(Snapshots(service))
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            service.wait_until(lambda: len(service.members()) == 2, 60, "both are in the group")
            service.wait_until_ready([near])
            service.wait_for_progress(500)
            namespace.pull_cable()
            pulled_at = time.monotonic()
            seconds = service.seconds_to_full_service(pulled_at)
            hold_for(pulled_at + PARTITION_SECONDS - time.monotonic(), lambda: near.is_running)
            namespace.plug_in()
            service.wait_until(
                lambda: len(service.members()) == 2, 120, "both are in the group again"
            )
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    assert seconds < TAKE_OVER_SECONDS
    note(
        Recovery(
            "R8",
            "a worker's network gone",
            f"the cable of its namespace down for {PARTITION_SECONDS} s, beside a second worker",
            f"every snapshot; from the cut until the other has all, limit {TAKE_OVER_SECONDS:.0f}"
            f" s; it joins again",
            seconds,
        )
    )


def server_at(host: str, stack: ExitStack) -> Server:
    """A PostgreSQL that the other network reaches, too."""
    folder = Path(
        stack.enter_context(
            tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True)
        )
    )
    server = Server(folder, free_port(), {**SETTINGS, "listen_addresses": f"{LOOPBACK},{host}"})
    with (folder / "postgres" / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {INSIDE}/32 trust\n")
    server.configure()
    return server


@pytest.mark.parametrize("what", ["kafka", "postgresql"])
def test_cut_off_from_one(
    chaos_settings: Settings, kafka: KafkaBehindProxy, server: Server, tmp_path: Path, what: str
) -> None:
    """Cut off from Kafka alone, a worker's partitions go to the other.

    From PostgreSQL alone, they wait: it is still in the group.
    """
    random = chance()
    with FaultProxy((LOOPBACK, server.port)) as proxy:
        behind = replace(
            through(chaos_settings, proxy.port),
            kafka_bootstrap=kafka.proxied_bootstrap,
            database_deadline_seconds=DEADLINE_SECONDS,
        )
        with ChaosService(chaos_settings, tmp_path) as service, Snapshots(service) as snapshots:
            cut_off, other = service.start_worker(settings=behind), service.start_worker()
            with Load(
                service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
            ):
                service.wait_until(lambda: len(service.members()) == 2, 60, "both are in the group")
                service.wait_until_ready([cut_off, other])
                members = service.members()
                fault = kafka.proxy if what == "kafka" else proxy
                fault.black_hole()
                cut_at = time.monotonic()
                try:
                    if what == "kafka":
                        seconds = service.seconds_to_full_service(cut_at)
                    hold_for(
                        cut_at + PARTITION_SECONDS - time.monotonic(), lambda: other.is_running
                    )
                finally:
                    fault.heal()
                healed_at = time.monotonic()
                if what == "postgresql":
                    seconds = service.seconds_to_full_service(healed_at)
                    assert service.members() == members
                service.wait_until_ready([cut_off, other])
            service.wait_until_caught_up()
            snapshots.assert_each_is_right()
            assert service.restarts == 0
            service.assert_everything_holds()
    held = {
        "kafka": "every snapshot; seconds from the cut until the other has everything; the lost one"
        " joins again",
        "postgresql": "every snapshot; same members of the group; seconds from the end of the"
        " silence",
    }
    note(
        Recovery(
            "R8",
            f"a worker cut off from {what} alone",
            f"a proxy is silent for {PARTITION_SECONDS} s, beside a second worker",
            held[what],
            seconds,
        )
    )


@pytest.mark.parametrize("what", ["kafka", "postgresql"])
def test_slow_and_reset(
    chaos_settings: Settings, kafka: KafkaBehindProxy, server: Server, tmp_path: Path, what: str
) -> None:
    """A slow line whose connections are reset again and again costs time and nothing else."""
    random = chance()
    with FaultProxy((LOOPBACK, server.port)) as proxy:
        behind = replace(
            through(chaos_settings, proxy.port), kafka_bootstrap=kafka.proxied_bootstrap
        )
        with ChaosService(chaos_settings, tmp_path) as service, Snapshots(service) as snapshots:
            worker = service.start_worker(settings=behind)
            with Load(
                service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
            ):
                service.wait_until_ready([worker])
                fault = kafka.proxy if what == "kafka" else proxy
                fault.delay_seconds = DELAY_SECONDS
                ends = time.monotonic() + PARTITION_SECONDS
                while time.monotonic() < ends:
                    hold_for(RESET_INTERVAL_SECONDS, lambda: worker.is_running)
                    fault.reset()
                fault.delay_seconds = 0.0
                seconds = service.seconds_to_full_service(time.monotonic())
            service.wait_until_caught_up()
            snapshots.assert_each_is_right()
            assert service.restarts == 0, service.worker_logs()
            service.assert_everything_holds()
    note(
        Recovery(
            "R8",
            f"a slow line to {what} with resets",
            f"{DELAY_SECONDS * 1000:.0f} ms each way, resets every {RESET_INTERVAL_SECONDS:.0f} s,"
            f" for {PARTITION_SECONDS} s",
            "every snapshot; the same worker goes on; seconds from the end until it has everything",
            seconds,
        )
    )
