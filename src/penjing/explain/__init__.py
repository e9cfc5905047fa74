"""Explanations: which words an answer rests on, by several methods, and how far each can be believed."""
