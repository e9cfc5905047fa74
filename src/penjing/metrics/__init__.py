"""Scores as pure functions over arrays, each with its confidence interval."""
