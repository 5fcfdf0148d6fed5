"""Repair orders, complaints and customers: what each remembers of its events, whatever their order."""
