"""The report: one HTML file that says what the model is, how good it is, and how it came about."""
