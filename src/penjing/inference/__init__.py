"""The engine: token ids in, numbers out; it knows nothing of text."""
