"""Models in the formats of other tools, and back, each with a proof that nothing changed."""
