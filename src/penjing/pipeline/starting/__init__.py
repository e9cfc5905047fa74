"""Recipes for files that nobody has written one for: a look at them, a proposal, and the file."""
