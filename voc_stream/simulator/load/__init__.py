"""Makes events for measuring throughput: cheap to make, and no story."""
