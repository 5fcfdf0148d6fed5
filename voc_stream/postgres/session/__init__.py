"""One session with PostgreSQL: opened, bounded in time, locked, and filled by COPY."""
