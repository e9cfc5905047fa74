"""A door for scikit-learn: a recipe as an estimator."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from penjing.data.settings import exact_share
from penjing.errors import UsageError
from penjing.files import check_replaceable, folder_beside, write_beside
from penjing.sklearn.labels import Classes, find_classes, read_classes, write_classes

if TYPE_CHECKING:
    from penjing.pipeline.recipe import Recipe
    from penjing.tasks.label_model import LabelModel

#: The recipe's setting behind each parameter but ``validation``, ``settings`` and ``folder``.
SETTINGS: Mapping[str, str] = {
    "family": "model.family",
    "size": "model.size",
    "start": "model.start",
    "epochs": "finetune.epochs",
    "learning_rate": "finetune.learning_rate",
    "batch_rows": "finetune.batch_rows",
    "dropout": "finetune.dropout",
    "patience": "finetune.patience",
    "lora_rank": "finetune.lora.rank",
    "max_tokens": "render.max_tokens",
    "vocab_size": "tokenizer.vocab_size",
    "device": "finetune.device",
    "seed": "seed",
}
_DEFAULTS: Mapping[str, Any] = {"device": "auto", "seed": 0}  # of the others None
_FAMILY = "lstm"  # where neither a family nor a start is named: the quickest
_ROWS = "rows.parquet"


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Texts in, labels out: `fit` makes a recipe and runs it as ``penjing run`` does, up to the fine-tuned model.

    A parameter that is None leaves the recipe's default, which ``docs/recipe.md`` lists.

    Args:
        family: ``bert``, ``llama``, ``lstm``, ``mistral``, ``qwen2``, ``qwen3`` or ``t5``; None: that of ``start``, or
            ``lstm``.
        size: ``tiny`` to ``large``, or a number of layers.
        start: a model folder to start from, or ``package:NAME/folder``; it brings its own family and size.
        epochs: passes over the rows.
        learning_rate: at its highest.
        batch_rows: most rows in a batch.
        dropout: in place of the one in the model's config.
        patience: stop after so many evaluations without a better one.
        lora_rank: train adapters of this width in place of all weights.
        max_tokens: longest text in tokens; the rest of a longer one is not read.
        vocab_size: entries of the tokenizer, which is trained on the rows unless there is a ``start``.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: decides the validation rows, weights, order and dropout.
        validation: share of the rows that chooses the best evaluation; the others are trained on.
        settings: any other settings of a recipe, such as ``{"finetune.warmup": 0.1}``.
        folder: where it works; an interrupted `fit` goes on there. None: a temporary folder.

    Attributes:
        classes_: the labels as they were given, [labels]; sorted where they can be.
        folder_: the model folder, which ``penjing predict``, ``explain`` and ``evaluate`` take too.

    Example:
        >>> classifier = TextClassifier(family="lstm", epochs=5)  # doctest: +SKIP
        >>> classifier.fit(["a lovely film", …], ["positive", …]).predict(["dull"])  # doctest: +SKIP
    """

    def __init__(
        self,
        family: str | None = None,
        size: str | int | None = None,
        start: str | None = None,
        *,
        epochs: float | None = None,
        learning_rate: float | None = None,
        batch_rows: int | None = None,
        dropout: float | None = None,
        patience: int | None = None,
        lora_rank: int | None = None,
        max_tokens: int | None = None,
        vocab_size: int | None = None,
        device: str = "auto",
        seed: int = 0,
        validation: float = 0.1,
        settings: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.family, self.size, self.start = family, size, start
        self.epochs, self.learning_rate, self.batch_rows = epochs, learning_rate, batch_rows
        self.dropout, self.patience, self.lora_rank = dropout, patience, lora_rank
        self.max_tokens, self.vocab_size = max_tokens, vocab_size
        self.device, self.seed, self.validation = device, seed, validation
        self.settings, self.folder = settings, folder

    def fit(self, X: Any, y: Any) -> TextClassifier:  # noqa: N803 - scikit-learn's name
        """Trains on texts.

        Args:
            X: texts, [rows]: a list, an array, or a pandas, Polars or Arrow column.
            y: their labels, [rows]; of any type that can be a key of a dictionary.

        Raises:
            UsageError: a row has no text or no label, or a parameter is wrong.
            DataError: there are too few rows, or only one label.
            ValueError: there are not as many labels as texts, or the labels are measurements.
        """
        from penjing.pipeline.recipe_file import check_recipe
        from penjing.pipeline.run import train_recipe
        from penjing.progress import Silent

        texts = _texts(X)
        classes = find_classes(y)
        check_consistent_length(texts, classes.numbers)
        place, kept = self._place()
        rows = {"text": texts, "label": [classes.names[number] for number in classes.numbers]}
        with write_beside(place / _ROWS) as beside:
            pq.write_table(pa.table(rows, schema=pa.schema({"text": pa.string(), "label": pa.string()})), beside)
        recipe = check_recipe(self._recipe(place / _ROWS, classes), "TextClassifier")
        _check_all_count(recipe)
        self._take(train_recipe(recipe, place, Silent()), classes, kept)
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Returns the label of each text, [rows], as it was given to `fit`."""
        probabilities = self.predict_proba(X)
        answers: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return answers

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Returns the probability of each label for each text, [rows, labels], in the order of ``classes_``.

        Raises:
            NotFittedError: there is no model yet.
            UsageError: a row has no text.
        """
        check_is_fitted(self)
        model = self._model()
        answers = model.predict_texts(_texts(X))
        rows = [[answer.probabilities[label] for label in model.labels] for answer in answers]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(model.labels))

    def save(self, folder: str | Path) -> None:
        """Writes the model folder, which every door of Penjing opens, with the labels as they were given.

        Raises:
            NotFittedError: there is no model yet.
            UsageError: the labels are of a type that no file can hold: neither text nor number; or the folder holds
                something that is no model.
        """
        check_is_fitted(self)
        self._model()
        from penjing.tasks.card import CARD

        check_replaceable(Path(folder), CARD, str(folder))
        with folder_beside(Path(folder)) as beside:
            shutil.copytree(self.folder_, beside, dirs_exist_ok=True)
            write_classes(self._classes, beside)

    @classmethod
    def from_folder(cls, folder: str | Path) -> TextClassifier:
        """Returns a fitted estimator of a model folder, as `save` or ``penjing run`` wrote it.

        Its parameters are the defaults: they say what a further `fit` would do.

        Raises:
            ModelFolderError: a file is missing, or the files do not belong together.
            UsageError: the model answers with something else than labels.
        """
        from penjing.tasks.label_model import LabelModel
        from penjing.tasks.loading import load_as

        estimator = cls()
        model = load_as(LabelModel, folder, estimator.device)
        estimator._take(Path(folder), read_classes(Path(folder), model.labels), None)
        return estimator

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "folder_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Returns the parameters and, once fitted, the files of the model folder as bytes."""
        state = {name: value for name, value in super().__getstate__().items() if name not in _OF_PROCESS}
        if self.__sklearn_is_fitted__():
            self._model()  # whose files are still those that were fitted
            state["_files"] = {file.name: file.read_bytes() for file in sorted(self.folder_.iterdir())}
            del state["folder_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is None:
            return
        kept = _temporary()
        model = Path(kept.name) / "model"
        model.mkdir()
        for name, content in files.items():
            (model / Path(name).name).write_bytes(content)
        self._take(model, self._classes, kept)

    def _place(self) -> tuple[Path, Any]:
        """Returns where to work, and what keeps that folder until it is not needed any more."""
        if self.folder is not None:
            return Path(self.folder), None
        kept = _temporary()
        return Path(kept.name), kept

    def _recipe(self, rows: Path, classes: Classes) -> dict[str, Any]:
        """Returns the recipe as a dictionary.

        Raises:
            UsageError: no rows would be left for validation, or for training.
        """
        if not 0 < self.validation < 1:
            raise UsageError(
                f"validation is {self.validation!r}: it should be above 0 and below 1",
                where="TextClassifier",
                do="Give a share of the rows such as 0.1.",
            )
        split = {"train": float(1 - exact_share(self.validation)), "validation": self.validation, "test": 0}
        recipe: dict[str, Any] = {
            "name": "TextClassifier",
            "task": "classify",
            "data": {"path": str(rows), "labels": list(classes.names), "split": split},
        }
        given = {key: value for name, key in SETTINGS.items() if (value := getattr(self, name)) is not None}
        self._check_said_once()
        if self.start is None and self.family is None:
            given["model.family"] = _FAMILY
        for key, value in {**given, **(self.settings or {})}.items():
            *sections, last = key.split(".")
            section = recipe
            for name in sections:
                section = section.setdefault(name, {})
            section[last] = value
        return recipe

    def _check_said_once(self) -> None:
        """Refuses a parameter beside another value of the same in ``settings``, which would take its place.

        Raises:
            UsageError: there is one that is not left at its default.
        """
        for name, key in SETTINGS.items():
            value, default = getattr(self, name), _DEFAULTS.get(name)
            if key in (self.settings or {}) and value not in (default, (self.settings or {})[key]):
                what = f'{name} is {value!r}, and settings["{key}"] takes its place'
                raise UsageError(what, where="TextClassifier", do="Give one of the two.")

    def _take(self, folder: Path, classes: Classes, kept: Any) -> None:
        """Takes a model folder for what was fitted."""
        from penjing.tasks.label_model import LabelModel
        from penjing.tasks.loading import load_as

        self.folder_, self.classes_ = folder, classes.values
        self._classes, self._kept = classes, kept
        self._loaded = load_as(LabelModel, folder, self.device)

    def _model(self) -> LabelModel:
        """Returns the model.

        Raises:
            UsageError: another `fit` in the same folder has put its own in the place of its files.
        """
        from penjing.tasks.card import read_card

        model: LabelModel = self._loaded
        if read_card(self.folder_).get("weights") != model.card.get("weights"):
            raise UsageError(
                "another model has taken the place of the one that was fitted",
                where=str(self.folder_),
                do="Give each estimator a folder of its own, or none.",
            )
        return model


def _check_all_count(recipe: Recipe) -> None:
    """Refuses what changes nothing beside something else that is given.

    Raises:
        UsageError: there is something, with what decides in its place.
    """
    from penjing.pipeline.unused import unused_settings

    names = {key: name for name, key in SETTINGS.items()}
    for unused in unused_settings(recipe):
        given = [f"{unused.section}.{key}" for key in unused.keys]
        shown = " and ".join(names.get(key, f'settings["{key}"]') for key in given)
        what = f"{shown} would change nothing: {unused.why.replace('[model] start', 'start')}"
        raise UsageError(what, where="TextClassifier", do="Leave one of them out.")


_OF_PROCESS = frozenset({"_loaded", "_kept"})


def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="penjing-")


def _texts(rows: Any) -> list[str]:
    """Returns texts as a list.

    Raises:
        UsageError: something is no text, or is empty; or this is a table.
    """
    from penjing.tasks.tables import texts_of

    if isinstance(rows, np.ndarray):
        if rows.ndim != 1:
            raise UsageError(
                f"texts are one array of {rows.ndim} dimensions",
                where="X",
                do="Give a list or a column of texts; in a ColumnTransformer, name the column without brackets.",
            )
        rows = rows.tolist()
    return [str(text) for text in texts_of(rows, "text")]
