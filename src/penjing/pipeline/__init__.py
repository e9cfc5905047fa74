"""The recipe and its stages: what runs, in which order, from which inputs, and the record of it."""
