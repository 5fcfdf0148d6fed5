"""Evaluates alerts: reads facts, lets the rules decide, and keeps the table `alert`."""
