"""Does the chores of the store, beside the stream.

Each chore that is more than one call has a file.
"""

from voc_stream.postgres.chores.postgres_chores import PostgresChores

__all__ = ["PostgresChores"]
