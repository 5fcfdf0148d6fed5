"""The chores of the store.

What is done beside the stream, one file for each that is more than a call.
"""

from voc_stream.postgres.chores.postgres_chores import PostgresChores

__all__ = ["PostgresChores"]
