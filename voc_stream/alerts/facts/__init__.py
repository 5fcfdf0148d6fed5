"""Holds facts that several rules judge, and what can be said of them."""
