"""Keeps the tables that move on with time: rolling sums, the daily cube, the risk of leaving."""
