"""Keeps the detectors of drops up to date: reads sums of hours and days, and lets them walk."""
