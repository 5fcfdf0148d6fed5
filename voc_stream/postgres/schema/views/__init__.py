"""Declares views for readers that are made of one table each."""
