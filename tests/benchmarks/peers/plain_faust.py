"""Faust as its documentation begins.

`async for event in stream`, here with one asyncpg transaction an event.
"""

from __future__ import annotations

import os
from typing import Any

import asyncpg  # type: ignore[import-not-found]  # installed in this peer's own environment only
import faust

app = faust.App(
    os.environ["GROUP"],
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP']}",
    store="memory://",
    datadir=os.environ["STATE_DIR"],
    consumer_auto_offset_reset="earliest",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
)
topic = app.topic(*os.environ["TOPICS"].split(","), value_serializer="json")

INSERT_EVENT = (
    "INSERT INTO seen_event (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING event_id"
)
ADD_CUSTOMER = (
    "INSERT INTO customer_count AS known (customer_id, events) VALUES ($1, 1)"
    " ON CONFLICT (customer_id) DO UPDATE SET events = known.events + 1"
)
ADD_SCORE = (
    "INSERT INTO experience_sum AS known (experience, n, score_sum, score_sq_sum) VALUES ($1, 1,"
    " $2, $3) ON CONFLICT (experience)"
    " DO UPDATE SET n = known.n + 1, score_sum = known.score_sum + excluded.score_sum,"
    " score_sq_sum = known.score_sq_sum + excluded.score_sq_sum"
)


@app.agent(topic)
async def count(stream: Any) -> None:
    """Write each event by itself."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    async for event in stream:
        async with connection.transaction():
            if await connection.fetchval(INSERT_EVENT, event["event_id"]) is None:
                continue
            await connection.execute(ADD_CUSTOMER, event["customer_id"])
            scores = [
                (answer["item"], round(100 * answer["score"]))
                for answer in event.get("answers", ())
                if "score" in answer
            ]
            if scores:
                await connection.executemany(
                    ADD_SCORE, [(item, score, score * score) for item, score in scores]
                )


if __name__ == "__main__":
    app.main()
