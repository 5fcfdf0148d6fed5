"""Computes what events, orders and complaints measure, as the catalogue declares it; pure."""
