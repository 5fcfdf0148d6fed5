"""Turns files of any format into events, as a mapping says.

The page docs/reference/mapping.md describes the format.
"""
