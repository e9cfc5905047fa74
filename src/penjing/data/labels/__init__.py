"""Labelled texts before anything learns from them: what is wrong with the labels, and what to label next."""
