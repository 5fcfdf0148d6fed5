"""Decides when a fall in scores is more than chance: pure, over sums of scores.

It has no clock and reads no tables.
"""
