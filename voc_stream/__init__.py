"""voc_stream: a streaming voice-of-customer processor."""

__version__ = "0.1.0"
