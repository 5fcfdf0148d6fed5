"""What a trade expects of its touchpoints.

Experiences, stages, limits and rules, read from TOML.
"""
