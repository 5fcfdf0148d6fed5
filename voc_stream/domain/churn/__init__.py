"""The risk that a customer leaves."""
