"""voc_stream doing the whole job: its own worker, with what the environment of a peer says."""

from __future__ import annotations

import os
import sys

from benchmarks.peers.job import TOPICS

from voc_stream.settings import Settings, to_environment


def main() -> None:
    """Become a worker."""
    settings = Settings(
        kafka_bootstrap=os.environ["KAFKA_BOOTSTRAP"],
        database_url=os.environ["DATABASE_URL"],
        topic_prefix=os.environ["TOPICS"].partition(TOPICS[0])[0],
        group=os.environ["GROUP"],
        web_port=0,
    )
    environment = os.environ | to_environment(settings)
    os.execve(sys.executable, [sys.executable, "-m", "voc_stream", "worker"], environment)


if __name__ == "__main__":
    main()
