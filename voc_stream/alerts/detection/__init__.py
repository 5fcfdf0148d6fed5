"""When a fall in scores is more than chance: pure, over sums of scores; no clock, no tables."""
