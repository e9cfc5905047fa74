"""A finished model: a folder, loaded, that answers. The command line and the server are doors to this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pydantic import ValidationError

from penjing.errors import ModelFolderError, UsageError
from penjing.inference.engine import Engine
from penjing.models.device import choose_device
from penjing.models.interface import open_config
from penjing.models.weights import CONFIG, load_weights, read_config
from penjing.tasks.card import CARD, card_task, read_card
from penjing.tasks.tables import is_table, texts_of, with_predictions
from penjing.tasks.task import ClassPrediction, Probabilities, Task
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from penjing.explain.attribution import Attribution

_ROWS = 4096


@dataclass(frozen=True)
class Model:
    """A model that answers.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, labels, lineage, scores.
        task: what it is for.
        labels: its answers, in the order of the network's outputs.
        renderer: turns rows into token ids, as in training.
        engine: runs the network.
    """

    folder: Path
    card: dict[str, Any]
    task: Task
    labels: tuple[str, ...]
    renderer: Renderer
    engine: Engine

    def predict(self, rows: Any) -> Any:
        """Answers each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column.

        Returns:
            A list of `ClassPrediction` for a list; for a table the same kind of table with the columns ``label`` and
            ``probability`` added.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        predictions = self.predict_texts(texts_of(rows, self.renderer.columns[0]))
        return with_predictions(rows, predictions) if is_table(rows) else predictions

    def predict_texts(self, texts: Sequence[str]) -> list[ClassPrediction]:
        """Answers each text."""
        predictions: list[ClassPrediction] = []
        for start in range(0, len(texts), _ROWS):
            chunk = texts[start : start + _ROWS]
            logits, cut_tokens = self.score_texts(chunk)
            predictions += self.task.decode(logits, self.labels, chunk, cut_tokens)
        return predictions

    @overload
    def explain(self, texts: str, *, method: str = ..., label: str | None = ...) -> Attribution: ...

    @overload
    def explain(self, texts: list[str], *, method: str = ..., label: str | None = ...) -> list[Attribution]: ...

    def explain(
        self, texts: str | list[str], *, method: str = "integrated_gradients", label: str | None = None
    ) -> Attribution | list[Attribution]:
        """Says which words an answer rests on.

        Args:
            texts: one, or several.
            method: ``integrated_gradients``, ``occlusion``, ``attention_rollout`` or ``random``.
            label: what is explained; None: the model's answer.

        Returns:
            An `Attribution`, or a list of them for several texts.

        Raises:
            DataError: the model reads no word of a text.
            MissingExtraError: the method or the text needs a package that is not installed.
            UsageError: a text is empty, the method or the label is not known, or the method does not fit the network.
        """
        from penjing.explain.explaining import explain_text

        checked = texts_of([texts] if isinstance(texts, str) else texts, self.renderer.columns[0])
        explained = [explain_text(self, text, method, label) for text in checked]
        return explained[0] if isinstance(texts, str) else explained

    def score_texts(self, texts: Sequence[str]) -> tuple[Probabilities, list[int]]:
        """Returns the logits of each text, [texts, labels], and how many tokens of it were not read."""
        rendered = self.renderer.render([{self.renderer.columns[0]: text} for text in texts])
        return self.engine.score([row.ids for row in rendered]), [row.cut_tokens for row in rendered]


def load_model(folder: str | Path, device: str = "auto") -> Model:
    """Loads a model folder.

    Args:
        folder: as `penjing` or the hub's tools write it.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: a file is missing or unreadable, or the tokenizer is not the one the model was trained with.
        UsageError: there is no such device.
    """
    path = Path(folder)
    card = read_card(path)
    config_values = read_config(path)
    task = card_task(card, path)
    with _written_in(path / CARD):
        renderer = _load_renderer(path, card)
    architecture, config = open_config(config_values, path / CONFIG)
    network = architecture.classifier(config, len(card["labels"]))
    load_weights(network, path)
    network.to(choose_device(device))
    return Model(
        folder=path,
        card=card,
        task=task,
        labels=tuple(card["labels"]),
        renderer=renderer,
        engine=Engine(network, renderer.tokenizer.pad_id),
    )


@contextmanager
def _written_in(file: Path) -> Iterator[None]:
    """Says of an impossible value that it stands in this file: the folder is damaged, the call is not wrong."""
    try:
        yield
    except UsageError as error:
        do = f"{error.do} If nobody changed the file, copy it again.".strip()
        raise ModelFolderError(error.what, where=str(file), do=do) from error


def _load_renderer(folder: Path, card: dict[str, Any]) -> Renderer:
    try:
        settings = RendererSettings.model_validate(card["render"])
    except ValidationError as error:
        raise ModelFolderError(
            "the entry render is wrong", where=str(folder / CARD), do="Copy the file again, as training wrote it."
        ) from error
    renderer = Renderer(load_tokenizer(folder), settings)
    if renderer.fingerprint != card["fingerprint"]:
        raise ModelFolderError(
            "the tokenizer or the template is not the one the model was trained with, "
            "so its answers would mean nothing",
            where=str(folder),
            do="Restore tokenizer.json, tokenizer_config.json and penjing.json as training wrote them.",
        )
    return renderer
