"""The page of a server: for each model what it does, how good it is, and a field to try it."""
