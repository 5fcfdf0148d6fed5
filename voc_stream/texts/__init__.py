"""Reads what complaints say: grams of texts, what they are about, which terms are new; pure."""
