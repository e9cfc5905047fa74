"""The engine that writes many texts at once, token ids in and token ids out; it knows nothing of text or HTTP."""
