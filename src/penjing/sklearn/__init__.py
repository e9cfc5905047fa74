"""A door for scikit-learn."""

from penjing.sklearn.classifier import TextClassifier

__all__ = ["TextClassifier"]
