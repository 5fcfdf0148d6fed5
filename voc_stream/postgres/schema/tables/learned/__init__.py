"""Declares the tables of what is learned from what customers say and do."""
