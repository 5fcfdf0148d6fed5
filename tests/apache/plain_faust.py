"""A Faust app as its documentation suggests, to see whether Faust's known bugs are there.

A script; `main` names its arguments.

Each value that it is given becomes a line of a file. Where a folder is named, every rebalance
waits, just before Faust seeks its partitions, until the test says that it may go on.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import faust
from yarl import URL


def plain_app(bootstrap: str, group: str, folder: str, **settings: Any) -> Any:
    """The app, with those settings changed that would make a test last for minutes."""
    short = {
        "broker_session_timeout": 3.0,
        "broker_heartbeat_interval": 0.5,
        "broker_request_timeout": 5.0,
        "broker_rebalance_timeout": 5.0,
    }
    return faust.App(
        group,
        broker=URL(f"kafka://{bootstrap}"),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        datadir=folder,
        **(short | settings),
    )


def main(arguments: list[str]) -> None:
    """Consume until told to stop."""
    bootstrap, topic, group, folder, max_poll_interval_seconds, holds = arguments
    home = Path(folder)
    app = plain_app(
        bootstrap, group, folder, broker_max_poll_interval=float(max_poll_interval_seconds)
    )
    source = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(source)  # type: ignore[untyped-decorator]  # Faust ships no usable types
    async def write(stream: Any) -> None:
        async for value in stream:
            with (home / "values").open("ab") as file:
                file.write(value + b"\n")

    @app.on_rebalance_complete.connect  # type: ignore[untyped-decorator]  # Faust ships no usable types
    async def assigned(*_: Any, **__: Any) -> None:
        (home / "assigned").write_text(str(len(app.consumer.assignment())))
        while holds == "holds" and not (home / "go-on").exists():  # noqa: ASYNC110  another process makes the file
            await asyncio.sleep(0.05)

    faust.Worker(app, loglevel="INFO").execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1:])
