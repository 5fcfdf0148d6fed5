"""Migrates an existing database to today's tables, by Alembic's scripts."""
