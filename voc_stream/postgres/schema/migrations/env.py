"""Lets Alembic reach the database over the connection that `migrate` hands it."""

from alembic import context

from voc_stream.postgres.schema.all_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
    version_table_schema=context.config.attributes["schema"],
    include_schemas=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
