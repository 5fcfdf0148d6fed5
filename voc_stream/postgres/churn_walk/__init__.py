"""Keeps how risks came about, and the counts that the churn model learns from."""
