"""Learns from who really left: fits the hazards of the churn model, and judges what it says."""
