"""What a trade expects of its touchpoints: experiences, stages, limits and rules, read from TOML."""
