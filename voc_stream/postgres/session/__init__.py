"""Opens a session with PostgreSQL, bounds it in time, takes its locks, and fills it by COPY."""
