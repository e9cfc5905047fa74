"""The search for settings: what is varied, what is tried, what came of it."""
