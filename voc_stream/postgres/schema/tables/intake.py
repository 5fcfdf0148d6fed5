"""Declares the tables that say how far the input is taken in, and what was refused."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from voc_stream.postgres.schema.tables.columns import (
    KEY,
    TIME,
    column,
    metadata,
    required,
)

dead_letter = Table(
    "dead_letter",
    metadata,
    required("dead_letter_id", BigInteger, "number of the refusal", Identity(always=True)),
    required("topic_id", Text, "id of the log it was read from"),
    required("topic", KEY, "topic it was read from / 主题"),
    required("partition", Integer, "partition it was read from / 分区"),
    required("offset", BigInteger, "offset in that partition / 位移"),
    required("reason", Text, "short stable code / 原因代码"),
    required("detail", Text, "what is wrong and what to do, for people / 说明"),
    column(
        "payload",
        LargeBinary,
        "the refused message, whole; NULL where it has no value or did not fit / 原始消息",
    ),
    required("received_at", TIME, "when it was refused / 接收时间"),
    column("retried_at", TIME, "when it was sent again / 重发时间"),
    column("published_at", TIME, "when it went to the dead-letter topic"),
    PrimaryKeyConstraint("dead_letter_id"),
    UniqueConstraint("topic_id", "topic", "partition", "offset", name="dead_letter_source"),
    comment="One row per refused message / 死信",
)


stream_position = Table(
    "stream_position",
    metadata,
    required("topic", KEY, "input topic / 主题"),
    required("partition", Integer, "partition / 分区"),
    required("topic_id", Text, "Kafka's id of the topic: another id is another log"),
    required(
        "next_offset",
        BigInteger,
        "offset after the last message that the tables contain / 下一位移",
    ),
    column("event_time", TIME, "latest occurred_at taken in from here / 最新事件时间"),
    required("updated_at", TIME, "when it last moved / 更新时间", server_default=func.now()),
    required(
        "refused_run",
        BigInteger,
        "refused messages in a row before the position",
        server_default="0",
    ),
    required(
        "recent_messages",
        BigInteger,
        "messages of late, older ones counting half again and again",
        server_default="0",
    ),
    required("recent_refused", BigInteger, "of those the refused ones", server_default="0"),
    required(
        "refusals_allowed",
        BigInteger,
        "refusals that an operator lets through without counting them",
        server_default="0",
    ),
    PrimaryKeyConstraint("topic", "partition"),
    comment="How far each input partition is contained in the tables / 读取位置",
    postgresql_with={"fillfactor": "50"},
)
