"""The transaction of a batch: positions, events, changed rows and contributions, or none of them."""
