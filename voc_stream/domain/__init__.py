"""Computes what events mean: pure folds from events to states, contributions and risks.

It has no I/O and no clock. States are trees, never cycles, so the garbage collector need not look
at them (`gc=False`). With 100,000 of them at hand that saves a worker much time.
"""
