"""Fits the churn model to what customers did, keeps its versions, and lets one decide risks."""
