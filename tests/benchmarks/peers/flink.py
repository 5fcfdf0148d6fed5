"""PyFlink: the job as SQL of the Table API, which runs inside Flink's own processes.

Python only hands it over.

State is exactly once by checkpoints; the JDBC sink writes absolute values by primary key, so that
what a restart repeats overwrites itself. A restart goes on from the newest checkpoint that is
whole.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from pyflink.common import Configuration  # type: ignore[import-not-found]  # installed in this peer's own environment only
from pyflink.datastream import StreamExecutionEnvironment  # type: ignore[import-not-found]  # has its own environment
from pyflink.table import StreamTableEnvironment  # type: ignore[import-not-found]  # has its own environment

SETTINGS = {
    "parallelism.default": "2",
    "execution.checkpointing.interval": "5 s",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "20000",
}
SOURCE = """
CREATE TABLE events (
    event_id STRING, customer_id STRING, answers ARRAY<ROW<item STRING, score DOUBLE>>,
    arrived_at AS PROCTIME()
) WITH (
    'connector' = 'kafka', 'topic' = '{topics}',
    'properties.bootstrap.servers' = '{bootstrap}', 'properties.group.id' = '{group}',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
)"""
DISTINCT = """
CREATE TEMPORARY VIEW distinct_events AS
SELECT customer_id, answers
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY arrived_at ASC) AS place FROM events
)
WHERE place = 1"""
SINK = """
CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH (
    'connector' = 'jdbc', 'url' = '{url}', 'table-name' = '{table}',
    'username' = '{user}', 'password' = '',
    'sink.buffer-flush.max-rows' = '5000', 'sink.buffer-flush.interval' = '1 s'
)"""
COUNT_CUSTOMERS = (
    "INSERT INTO customer_count SELECT customer_id, COUNT(*) FROM distinct_events GROUP BY"
    " customer_id"
)
SUM_EXPERIENCES = """
INSERT INTO experience_sum
SELECT item, COUNT(*), SUM(hundredths), SUM(hundredths * hundredths)
FROM (
    SELECT item, CAST(ROUND(100 * score) AS BIGINT) AS hundredths
    FROM distinct_events CROSS JOIN UNNEST(answers) AS answer (item, score) WHERE score IS NOT NULL
)
GROUP BY item"""


def newest_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that is whole; None if there is none."""
    whole = [path.parent for path in folder.glob("*/chk-*/_metadata")]
    return max(whole, key=lambda path: (path / "_metadata").stat().st_mtime_ns, default=None)


def main() -> None:
    """Run until killed."""
    checkpoints = Path(os.environ["STATE_DIR"]) / "checkpoints"
    configuration = Configuration()
    for name, value in SETTINGS.items():
        configuration.set_string(name, value)
    configuration.set_string("execution.checkpointing.dir", checkpoints.as_uri())
    configuration.set_string(
        "pipeline.jars",
        ";".join(path.as_uri() for path in sorted(Path(os.environ["FLINK_JARS"]).glob("*.jar"))),
    )
    checkpoint = newest_checkpoint(checkpoints)
    if checkpoint is not None:
        configuration.set_string("execution.state-recovery.path", checkpoint.as_uri())
    tables = StreamTableEnvironment.create(
        StreamExecutionEnvironment.get_execution_environment(configuration)
    )

    tables.execute_sql(
        SOURCE.format(
            topics=os.environ["TOPICS"].replace(",", ";"),
            bootstrap=os.environ["KAFKA_BOOTSTRAP"],
            group=os.environ["GROUP"],
        )
    )
    database = urlsplit(os.environ["DATABASE_URL"])
    where = {
        "url": f"jdbc:postgresql://{database.hostname}:{database.port}{database.path}?reWriteBatchedInserts=true",
        "user": database.username,
    }
    tables.execute_sql(
        SINK.format(
            table="customer_count",
            columns="customer_id STRING, events BIGINT",
            key="customer_id",
            **where,
        )
    )
    sums = "experience STRING, n BIGINT, score_sum BIGINT, score_sq_sum BIGINT"
    tables.execute_sql(SINK.format(table="experience_sum", columns=sums, key="experience", **where))
    tables.execute_sql(DISTINCT)
    statements = tables.create_statement_set()
    statements.add_insert_sql(COUNT_CUSTOMERS)
    statements.add_insert_sql(SUM_EXPERIENCES)
    statements.execute().wait()


if __name__ == "__main__":
    main()
