"""Rows made of texts alone, for a model to practise on before its own."""
