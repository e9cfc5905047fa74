"""Questions answered over a folder of documents: passages are found, and the best place in them is cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from penjing.errors import UsageError
from penjing.progress import Progress
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.model import Model
from penjing.tasks.passage_index import Passage, PassageIndex
from penjing.tasks.prediction import AnswerPrediction
from penjing.tasks.written_answers import WrittenAnswerModel


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
        probability: of the answer, among all spans of its passage and "not in the text"; of one that is written, that
            of its tokens.
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
        model: finds answers in passages, or writes them.
        index: finds passages.
        passages: how many are read for a question.
    """

    model: AnswerModel | WrittenAnswerModel
    index: PassageIndex
    passages: int = 10

    def answer(self, question: str, most: int = 3, progress: Progress | None = None) -> list[CitedAnswer]:
        """Returns the best answers, the best first; none where no passage has a word of the question, or none answers.

        Passages compete by how much their best span outweighs "not in the text", or by how probable it is that their
        answer is written; one whose words do not stand in its passage is cited nowhere, and left out.

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
        rated = []
        answers = self._answer(question, [passage.text for passage in found], progress)
        for rank, (passage, (margin, share, answer)) in enumerate(zip(found, answers, strict=True), start=1):
            if answer.start is None or answer.end is None:
                continue
            cited = CitedAnswer(
                answer.answer,
                passage.file,
                passage.start + answer.start,
                passage.start + answer.end,
                passage.text,
                passage.start,
                rank,
                share,
            )
            rated.append((margin, cited))
        rated.sort(key=lambda pair: -pair[0])
        places: dict[tuple[str, int, int], CitedAnswer] = {}
        for _, cited in rated:
            places.setdefault((cited.file, cited.start, cited.end), cited)
        return list(places.values())

    def _answer(
        self, question: str, texts: Sequence[str], progress: Progress | None
    ) -> list[tuple[float, float, AnswerPrediction]]:
        """Returns the answer of each text, after what it competes by and how probable it is."""
        asked = [question] * len(texts)
        if isinstance(self.model, WrittenAnswerModel):
            written = self.model.answer(asked, texts, progress)
            return [(answer.probability, answer.probability, answer) for answer in written]
        spans = [span for _, span in self.model.find(asked, texts, progress)]
        decided = (self.model.decide(question, text, span) for text, span in zip(texts, spans, strict=True))
        return [(span.margin, span.share, answer) for span, answer in zip(spans, decided, strict=True)]


def as_answering(model: Model) -> AnswerModel | WrittenAnswerModel:
    """Returns a model that answers questions about texts.

    Raises:
        UsageError: it is for something else.
    """
    if isinstance(model, AnswerModel | WrittenAnswerModel):
        return model
    raise UsageError(
        f"this model is for the task {model.task.name}, and answers no questions about texts",
        where=str(model.folder),
        do="Give one for the task answer, or name a part of it.",
    )
