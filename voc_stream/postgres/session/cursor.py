"""Gives psycopg2's cursor and connection names that read as types.

psycopg2 writes its classes in lower case.
"""

from psycopg2.extensions import connection as Connection  # noqa: N812  see above
from psycopg2.extensions import cursor as Cursor  # noqa: N812  see above

__all__ = ["Connection", "Cursor"]
