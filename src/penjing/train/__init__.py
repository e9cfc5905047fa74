"""The one training loop and its parts: batches, objectives, optimizer, schedule, checkpoints."""
