"""Walks through what became of customers: what their risks were, and how long they stayed."""
