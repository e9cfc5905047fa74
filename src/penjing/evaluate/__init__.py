"""Measures over a model and a task: scores with their intervals, beside honest baselines."""
