"""Generates documents from declarations: schemas, the data dictionary, the page of metrics."""
