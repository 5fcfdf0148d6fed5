"""When something is worth an alert, and when it is over: pure, over facts that were read from the tables."""
