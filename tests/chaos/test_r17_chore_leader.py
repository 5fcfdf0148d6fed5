"""R17: the worker that refreshes the rolling tables dies, freezes or is cut off in the midst of it.

There is no elected leader. The worker that locks its row of `voc.lock` refreshes. So there is at
most one at a time, and any worker may be the next.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import psycopg2
import pytest
from chaos.load import Load
from chaos.proxy import FaultProxy
from chaos.recovery import Recovery, note
from chaos.service import ChaosService, hold_for, through
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, wait_until
from psutil import STATUS_STOPPED, STATUS_ZOMBIE

from voc_stream.beside.chore_process import SILENT_SECONDS
from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.postgres.chores.timetable import SITES_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.kafka_behind_proxy import KafkaBehindProxy
    from chaos.server import Server
    from chaos.service import ChaosWorker

    from voc_stream.settings import Settings

EVENTS = 4_000
EVENTS_PER_SECOND = 100.0
LOOK_SECONDS = 0.02
FAULT_TIMEOUT_SECONDS = 180.0
# Two ticks and a rest; the transaction of a worker that is frozen or out of reach is ended by the
# server, after 30 s without a word.
TICKS_SECONDS = 3 * SITES_SECONDS
ABANDONED_SECONDS = 30.0 + TICKS_SECONDS + 4.0

KILLS = 4
MORE_EVENTS = 500
# Longer than a transaction may take.
CUT_OFF_SECONDS = 35.0

pytestmark = pytest.mark.chaos


class LockWatch:
    """Looks all the time how many sessions refresh.

    A lock on a row shows nowhere, but only a refresh of sites writes to `merged` and to no cube.
    """

    def __init__(self, url: str) -> None:
        self.most = 0
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        statement = (
            "SELECT count(*) FROM (SELECT pid FROM pg_locks WHERE granted AND mode ="
            " 'RowExclusiveLock'"
            " AND relation IN ('voc.merged'::regclass, 'voc.experience_cube'::regclass)"
            " GROUP BY pid HAVING bool_and(relation = 'voc.merged'::regclass)) refreshing"
        )
        with closing(psycopg2.connect(self._url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not self._ended.wait(LOOK_SECONDS):
                cursor.execute(statement)
                self.most = max(self.most, *(number for (number,) in cursor.fetchall()))


def refreshed_at(service: ChaosService) -> object:
    """The moment that the rolling tables show."""
    return service.query("SELECT as_of FROM rolling_clock WHERE refresh = 'sites'")


def wait_for_refresh(service: ChaosService, seconds: float) -> None:
    """Until the rolling tables show a later moment than now."""
    shown = refreshed_at(service)
    wait_until(
        lambda: refreshed_at(service) != shown,
        seconds,
        lambda: f"the tables move on\n{service.worker_logs()}",
    )


LIMIT_SECONDS = {
    "killed": TICKS_SECONDS,
    "lost its chores": TICKS_SECONDS,
    "has chores that froze": SILENT_SECONDS + TICKS_SECONDS,
    "cut off from PostgreSQL": ABANDONED_SECONDS,
    "cut off from Kafka": TICKS_SECONDS,
}


def _chores_ended(worker: ChaosWorker) -> bool:
    """Whether the process of its chores is gone, or frozen; before the first one it is neither."""
    chores = worker.chores()
    if not chores:
        return "started again" in worker.log
    return any(each.status() in {STATUS_STOPPED, STATUS_ZOMBIE} for each in chores)


@pytest.mark.parametrize("what", LIMIT_SECONDS)
def test_leader(
    chaos_settings: Settings, kafka: KafkaBehindProxy, server: Server, tmp_path: Path, what: str
) -> None:
    """Another worker refreshes as soon as the transaction of the first has ended.

    Never do two at once.
    """
    random = chance()
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy((LOOPBACK, server.port)))
        service = stack.enter_context(ChaosService(chaos_settings, tmp_path))
        behind = replace(
            through(chaos_settings, proxy.port), kafka_bootstrap=kafka.proxied_bootstrap
        )
        action = {
            "killed": "kill",
            "lost its chores": "kill_chores",
            "has chores that froze": "stop_chores",
        }.get(what, "stop")
        failpoint = f"in_refresh:{random.randint(2, 3)}:{action}"
        other = service.start_worker()
        service.wait_until_ready([other])
        leader = service.start_worker(failpoint, settings=behind)
        watch = stack.enter_context(LockWatch(service.direct_url))
        snapshots = stack.enter_context(Snapshots(service))
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            wait_until(
                lambda: (
                    leader.is_frozen
                    or not leader.is_running
                    or ("chores" in what and _chores_ended(leader))
                ),
                FAULT_TIMEOUT_SECONDS,
                service.worker_logs,
            )
            if what == "killed":
                service.workers.remove(leader)
            elif what.startswith("cut off"):
                cut = kafka.proxy if what.endswith("Kafka") else proxy
                cut.black_hole()
                stack.callback(cut.heal)
                leader.thaw()  # it was frozen by its failpoint
            fault_at = time.monotonic()
            # The refresh that was under way can still be committed by a leader that only Kafka has
            # lost: the next one counts.
            for _ in range(2 if what == "cut off from Kafka" else 1):
                wait_for_refresh(service, LIMIT_SECONDS[what])
            seconds = time.monotonic() - fault_at
            assert other.is_running
            assert leader.is_running or "chores" not in what, "a worker goes on without them"
            if what.startswith("cut off"):
                cut.heal()
        service.wait_until_caught_up()
        assert watch.most == 1, "never do two refresh at once"
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R17",
            f"refreshing worker {what}",
            "in the midst of a refresh, beside a second worker",
            f"never two refreshes at once; the next one within {LIMIT_SECONDS[what]:.0f} s",
            seconds,
        )
    )


@pytest.mark.parametrize("what", ["killed", "frozen", "cut off from PostgreSQL"])
def test_stream_goes_on_without_chores(
    chaos_settings: Settings, server: Server, tmp_path: Path, what: str
) -> None:
    """A worker alone takes in events while its chores are killed, frozen or cut off.

    Nobody helps it. The sums follow when the chores are back, and every table is right.
    """
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy((LOOPBACK, server.port)))
        service = stack.enter_context(ChaosService(chaos_settings, tmp_path))
        worker = service.start_worker(f"chores_port:{proxy.port}")
        service.wait_until_ready([worker])
        messages = simulated_messages(EVENTS, seed=chance().randrange(2**32))
        with Load(service, messages, EVENTS_PER_SECOND):
            wait_for_refresh(service, FAULT_TIMEOUT_SECONDS)
            fault_at, before = time.monotonic(), service.progress()
            if what == "killed":
                for _ in range(KILLS):
                    _kill_chores(worker)
            elif what == "frozen":
                worker.chores()[0].suspend()
            else:
                proxy.black_hole()
            service.wait_until(
                lambda: service.progress() >= before + MORE_EVENTS,
                FAULT_TIMEOUT_SECONDS,
                "events are taken in without chores",
            )
            if what.startswith("cut off"):
                shown = refreshed_at(service)
                hold_for(CUT_OFF_SECONDS, lambda: worker.is_running)
                assert refreshed_at(service) == shown, "it was really cut off"
                proxy.heal()
            wait_for_refresh(service, SILENT_SECONDS + ABANDONED_SECONDS)
            seconds = time.monotonic() - fault_at
        assert worker.is_running, "a worker goes on without its chores"
        service.assert_everything_holds()
    note(
        Recovery(
            "R17",
            f"chores of the only worker {what}",
            "while events flow",
            "events are taken in meanwhile; the sums follow",
            seconds,
        )
    )


def _kill_chores(worker: ChaosWorker) -> None:
    """Kill them, and wait until others were started."""
    killed = {each.pid for each in worker.chores()}
    for each in worker.chores():
        each.kill()
    wait_until(
        lambda: any(each.pid not in killed for each in worker.chores()),
        FAULT_TIMEOUT_SECONDS,
        lambda: f"other chores are started\n{worker.log}",
    )
