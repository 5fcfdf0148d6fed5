"""The cube names its dimensions once, as a cell with a number, and a bin without samples is NULL.

A row of the cube is less than half as wide, and is found by 12 bytes instead of ten texts.
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

DIMENSIONS = {
    "site_id": "site, '' where unknown",
    "department": "department, '' where unknown",
    "employee_id": "employee, '' where unknown",
    "product": "product, '' where unknown",
    "channel": "channel, '' where unknown",
    "mode": "mode of a callback, '' where unknown",
    "segment": "segment, '' where unknown",
    "region": "region, '' where unknown",
}
COMMENTS = {
    "cell": "number of the cell",
    **DIMENSIONS,
}
BINS = range(11)


def upgrade() -> None:
    """Apply."""
    names = ", ".join(DIMENSIONS)
    columns = ", ".join(f'{name} text COLLATE "C" NOT NULL' for name in DIMENSIONS)
    same = " AND ".join(f"c.{name} = e.{name}" for name in DIMENSIONS)
    op.execute(
        "CREATE TABLE voc.cube_cell (cell int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        f" {columns}, CONSTRAINT cube_cell_dimensions UNIQUE ({names}));"
        f" INSERT INTO voc.cube_cell ({names}) SELECT DISTINCT {names} FROM voc.experience_cube;"
        " ANALYZE voc.cube_cell;"
        " COMMENT ON TABLE voc.cube_cell IS 'Every combination of dimensions that ever occurred,"
        " with the number that stands for it in experience_cube'"
    )
    for name, comment in COMMENTS.items():
        literal = comment.replace("'", "''")
        op.execute(f"COMMENT ON COLUMN voc.cube_cell.{name} IS '{literal}'")
    op.execute("ALTER TABLE voc.experience_cube ADD COLUMN cell int")
    for number in BINS:
        op.execute(
            f"ALTER TABLE voc.experience_cube ALTER COLUMN bin_{number} DROP NOT NULL;"
            f" COMMENT ON COLUMN voc.experience_cube.bin_{number} IS"
            f" 'count of histogram bin {number}; NULL for none'"
        )
    bins = ", ".join(f"bin_{number} = nullif(bin_{number}, 0)" for number in BINS)
    op.execute(
        f"UPDATE voc.experience_cube e SET cell = c.cell, {bins} FROM voc.cube_cell c WHERE {same};"
        " ALTER TABLE voc.experience_cube DROP CONSTRAINT experience_cube_pkey,"
        f" {', '.join(f'DROP COLUMN {name}' for name in DIMENSIONS)},"
        " ALTER COLUMN cell SET NOT NULL,"
        " ADD CONSTRAINT experience_cube_pkey PRIMARY KEY (day, cell, experience);"
        " COMMENT ON COLUMN voc.experience_cube.cell IS"
        " 'combination of dimensions, of cube_cell'"
    )
