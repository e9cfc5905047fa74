"""Questions answered over a folder of documents: passages are found, and the best span in them is cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from penjing.progress import Progress
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.passage_index import Passage, PassageIndex


@dataclass(frozen=True)
class CitedAnswer:
    """An answer, and where it stands.

    Attributes:
        answer: words of a document.
        file: the document, by its path in the folder.
        start: the answer's first character in the document's text.
        end: one past its last.
        passage: what was read around it.
        passage_start: the passage's first character in the document's text.
        passage_rank: which of the passages that were found it is, counted from 1.
        probability: of the answer, among all spans of its passage and "not in the text".
    """

    answer: str
    file: str
    start: int
    end: int
    passage: str
    passage_start: int
    passage_rank: int
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class DocumentReader:
    """Answers questions over documents (as Chen et al. 2017, arXiv 1704.00051: retrieve, then read).

    Attributes:
        model: finds answers in passages.
        index: finds passages.
        passages: how many are read for a question.
    """

    model: AnswerModel
    index: PassageIndex
    passages: int = 10

    def answer(self, question: str, most: int = 3, progress: Progress | None = None) -> list[CitedAnswer]:
        """Returns the best answers, the best first; none where no passage has a word of the question, or none answers.

        Passages compete by how much their best span outweighs "not in the text".

        Args:
            question: what is asked.
            most: how many answers.
            progress: told how many windows are read.

        Raises:
            Interrupted: the user asked to stop.
        """
        return self.read(question, self.index.search(question, self.passages), progress)[:most]

    def read(self, question: str, found: Sequence[Passage], progress: Progress | None = None) -> list[CitedAnswer]:
        """Returns an answer from each passage that has one, the best first; the same place is cited once."""
        if not found:
            return []
        read = self.model.find([question] * len(found), [passage.text for passage in found], progress)
        rated = []
        for rank, (passage, (_, span)) in enumerate(zip(found, read, strict=True), start=1):
            decided = self.model.decide(question, passage.text, span)
            if decided.start is None or decided.end is None:
                continue
            cited = CitedAnswer(
                decided.answer,
                passage.file,
                passage.start + decided.start,
                passage.start + decided.end,
                passage.text,
                passage.start,
                rank,
                span.share,
            )
            rated.append((span.margin, cited))
        rated.sort(key=lambda pair: -pair[0])
        places: dict[tuple[str, int, int], CitedAnswer] = {}
        for _, cited in rated:
            places.setdefault((cited.file, cited.start, cited.end), cited)
        return list(places.values())
