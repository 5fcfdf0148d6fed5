from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from voc_stream.postgres.session.connection import SCHEMA_VERSION


def test_the_newest_file_is_the_version_that_workers_need() -> None:
    """A migration is one file: nobody writes its number elsewhere, and each follows another one."""
    config = Config()
    config.set_main_option("script_location", "voc_stream:postgres/schema/migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [SCHEMA_VERSION]
    for script in scripts.walk_revisions():
        assert script.module.__name__.startswith(f"{script.revision}_")
