"""What `make bench-peers` measures.

The reduced job of `job.py` by voc_stream and by what people use instead, on one broker and one
PostgreSQL.

Each peer runs in an environment of its own, made on first use and kept in the user's cache folder.
A peer that cannot be installed is named with the reason, and the others go on. Each does the job
once on empty tables, and with --kill once more with a kill -9 at a random moment and a restart.
Every result is compared with a naive fold of what was sent.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from apache_kafka import COMMON_PROPERTIES, ApacheKafkaError, KafkaCluster
from benchmarks import machine
from benchmarks.peers.environments import NotInstalledError
from benchmarks.peers.inputs import Input, fill
from benchmarks.peers.measure import PeerFailedError, Place, measure_after_kill, measure_speed
from benchmarks.peers.peers import PEERS, WHOLE, Peer
from benchmarks.peers.processes import Trees
from benchmarks.peers.report import Result, put, report
from benchmarks.results import command_line, measured_by
from benchmarks.stage import BROKERS

from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.job import Job

LEAST_MESSAGES = 20_000
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "performance.md"


def main() -> None:
    """Run what the arguments say and print the table."""
    arguments = _arguments()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}", file=sys.stderr)
    load, *_ = os.getloadavg()
    measured = measured_by(
        machine.describe(BROKERS["apache"]), machine.commit(), command_line(sys.argv)
    )
    # As Kafka comes, and unlike the tests: members of a new group that start together join
    # together.
    COMMON_PROPERTIES["group.initial.rebalance.delay.ms"] = 3_000
    with tempfile.TemporaryDirectory(prefix="voc-peers-") as name:
        folder = Path(name)
        try:
            with KafkaCluster(folder) as cluster, Postgres(folder, free_port()) as postgres:
                brokers = Trees(child.pid for child in cluster._children.values())
                place = Place(folder, postgres.url, Trees([postgres.child.pid]), brokers)
                results = measure(
                    arguments.only,
                    arguments.events,
                    cluster.bootstrap,
                    place,
                    seed if arguments.kill else None,
                )
        except ApacheKafkaError as error:
            sys.exit(str(error))
    measured = [*measured, "", f"The load of the minute before was {load:.1f}."]
    text = report(results, measured, seed)
    print(text)
    if arguments.write:
        put(PAGE, text, "whole job" if arguments.only[0] in WHOLE else "peers")


def measure(
    peers: Sequence[Peer], messages: int, bootstrap: str, place: Place, seed: int | None
) -> list[Result]:
    """All peers, one after the other; with a seed, also with a kill."""
    inputs: dict[int, Input] = {}
    jobs: dict[tuple[object, int], Job] = {}
    results = []
    for peer in peers:
        count = round(messages * peer.share)
        result = Result(peer, count)
        try:
            program = peer.install()
            if count not in inputs:
                inputs[count] = fill(bootstrap, count)
            given = inputs[count]
            if (peer.job, count) not in jobs:
                jobs[peer.job, count] = peer.job(given.values, given.filled_at)
            job = jobs[peer.job, count]
            speed = measure_speed(peer, program, given, job, place)
            result = result._replace(speed=speed)
            print(f"{peer.name}: {speed}", file=sys.stderr)
            if seed is not None:
                chance = Random(f"{seed} {peer.name}")
                result = result._replace(
                    after_kill=measure_after_kill(
                        peer, program, given, job, place, usual=speed, random=chance
                    )
                )
                print(f"{peer.name}: {result.after_kill}", file=sys.stderr)
        except (NotInstalledError, PeerFailedError) as error:
            result = result._replace(problem=str(error))
            print(f"{peer.name}: {error}", file=sys.stderr)
        results.append(result)
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-peers", description=__doc__)
    parser.add_argument(
        "--events", type=_enough, default=300_000, help="messages, of which 5 %% are repeated ones"
    )
    parser.add_argument(
        "--only",
        type=_peers,
        default=PEERS,
        help="names with commas between, those of the reduced job: "
        + ", ".join(peer.name for peer in PEERS)
        + "; of the whole job: "
        + ", ".join(peer.name for peer in WHOLE),
    )
    parser.add_argument(
        "--kill", action="store_true", help="run each once more with a kill -9 in the middle"
    )
    parser.add_argument(
        "--seed", type=int, help="of the moments of the kills; random where it is not given"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the table into docs/reference/performance.md"
    )
    return parser.parse_args()


def _enough(text: str) -> int:
    count = int(text)
    if count < LEAST_MESSAGES:
        raise argparse.ArgumentTypeError(f"fewer than {LEAST_MESSAGES:,} messages measure nothing")
    return count


def _peers(names: str) -> list[Peer]:
    known = {peer.name: peer for peer in (*PEERS, *WHOLE)}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"there is no peer {', '.join(unknown)}; the peers are {', '.join(known)}"
        )
    return [known[name] for name in names.split(",")]


if __name__ == "__main__":
    main()
