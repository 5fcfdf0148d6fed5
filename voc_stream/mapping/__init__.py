"""Rows of an export to events, as a small TOML file says. The format is described in docs/mapping.md."""
