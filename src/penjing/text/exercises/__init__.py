"""Rows made of texts alone, for a model to practice on before its own."""
