"""Holds what a trade expects of its touchpoints.

Experiences, stages, limits and rules are read from TOML.
"""
