"""From a batch of events to changed rows and contributions."""
