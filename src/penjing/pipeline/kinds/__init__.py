"""How rows go along the path, by what a task answers with: labels, texts, or replies."""

from penjing.pipeline.kinds.choice import kind_of
from penjing.pipeline.kinds.kind import Evaluated, Kind, Lesson

__all__ = ["Evaluated", "Kind", "Lesson", "kind_of"]
