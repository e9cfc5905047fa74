"""A door for spaCy: the pipeline component ``penjing``, which writes what a model answers into ``doc.cats``.

spaCy finds it by its entry point, so that nobody need import this.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.errors import MissingExtraError, UsageError
from penjing.files import folder_beside

try:  # at the top: to define a factory is to call spaCy
    from spacy.language import Language
    from spacy.tokens import Doc
except ImportError as error:
    raise MissingExtraError("spacy", "spacy", "The component penjing") from error

if TYPE_CHECKING:
    from penjing.tasks.label_model import LabelModel

_MODEL = "model"


class PenjingClassifier:
    """Labels documents with a model of Penjing.

    A document without text, white space apart, gets no ``cats``: there is nothing to answer.

    Args:
        name: of the component in its pipeline.
        folder: of the model; None: it comes with `from_disk` or `from_bytes`. One that is not there is refused when the
            first document comes, for spaCy makes the component before it reads what ``nlp.to_disk`` has kept.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: the folder is there, and its files do not belong together.
        UsageError: the model answers with something else than labels.
    """

    def __init__(self, name: str, folder: Path | None, device: str) -> None:
        self.name, self._folder, self._device = name, folder, device
        self._loaded: LabelModel | None = None
        if folder is not None and folder.is_dir():
            self._loaded = self._load(folder)

    def load(self) -> LabelModel:
        """Returns what answers, read when it is first asked.

        No property called ``model``: spaCy asks its components whether they have one while it still makes them.

        Raises:
            ModelFolderError: there is no such folder.
            UsageError: none was named.
        """
        if self._loaded is None:
            if self._folder is None:
                raise UsageError(
                    "it has no model",
                    where=f"the pipeline's component {self.name}",
                    do='Name its folder: nlp.add_pipe("penjing", config={"model": "runs/reviews/model"}).',
                )
            self._loaded = self._load(self._folder)
        return self._loaded

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that ``doc.cats`` will have; none before there is a model: spaCy asks while it still reads."""
        return self._loaded.labels if self._loaded is not None else ()

    def __call__(self, doc: Doc) -> Doc:
        """Labels one document."""
        return self._label([doc])[0]

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Labels documents, so many at once."""
        documents = iter(stream)
        while batch := list(islice(documents, batch_size)):
            yield from self._label(batch)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Copies the model into a folder."""
        source = self.load().folder
        with folder_beside(Path(path)) as beside:
            shutil.copytree(source, beside / _MODEL)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> PenjingClassifier:
        """Takes the model that `to_disk` has kept; it stays where it is."""
        self._folder = Path(path) / _MODEL
        self._loaded = self._load(self._folder)
        return self

    def _label(self, documents: list[Doc]) -> list[Doc]:
        asked = [doc for doc in documents if doc.text.strip()]
        for doc, answer in zip(asked, self.load().predict_texts([doc.text for doc in asked]), strict=True):
            doc.cats = {**doc.cats, **answer.probabilities}
        return documents

    def _load(self, folder: Path) -> LabelModel:
        from penjing.tasks.label_model import LabelModel
        from penjing.tasks.loading import load_as

        return load_as(LabelModel, folder, self._device)


@Language.factory("penjing", default_config={"model": None, "device": "auto"}, assigns=["doc.cats"])
def make_classifier(nlp: Any, name: str, model: str | None, device: str) -> PenjingClassifier:
    """Returns the component of a pipeline.

    Args:
        nlp: the pipeline; of any language, for the model has its own tokenizer.
        name: of the component.
        model: the model folder.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    return PenjingClassifier(name, Path(model) if model else None, device)
