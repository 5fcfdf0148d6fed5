"""Files of any format to events, as a mapping says.

The format is described in docs/reference/mapping.md.
"""
