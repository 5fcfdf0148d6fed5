"""Gives SQL of what several views and statements compute."""
