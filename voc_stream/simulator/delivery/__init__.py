"""From the event to the topic: messages late, twice, broken or taken back."""
