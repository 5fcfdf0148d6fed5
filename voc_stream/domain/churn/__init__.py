"""Computes the risk that a customer leaves."""
