"""``penjing evaluate`` of a model that learned from preferences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from penjing.cli.evaluate import answers_with, open_data
from penjing.cli.evaluate_output import find_learned, show_measured
from penjing.cli.output import log_console
from penjing.cli.progress import TerminalProgress
from penjing.data.preferences import read_preference_rows
from penjing.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from penjing.tasks.dialogue_model import DialogueModel
    from penjing.tasks.writing_model import WritingModel


@dataclass(frozen=True)
class PreferenceColumns:
    """Where the pairs are.

    Attributes:
        data: the address of a table.
        text: column of the prompt.
        chosen: column of the preferred answer.
        rejected: column of the other.
        columns: names for the columns of a file without a header.
        reference: folder of the model that learning started from; without it there are no rewards.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    data: str
    text: str
    chosen: str
    rejected: str
    columns: tuple[str, ...] | None
    reference: Path | None
    encoding: str | None


def show_preference_scores(model_folder: Path, given: PreferenceColumns, resamples: int, *, as_json: bool) -> None:
    """Scores a model on pairs of answers."""
    is_dialogue = answers_with(model_folder) == "preferred reply"
    with open_data(given.data) as address:
        rows = read_preference_rows(
            address,
            given.text,
            given.chosen,
            given.rejected,
            is_dialogue=is_dialogue,
            columns=given.columns,
            encoding=given.encoding,
        )
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.preference import (
        Likelihoods,
        PreferenceMeasures,
        evaluate_preferences,
        measure_likelihoods,
        render_pairs,
    )
    from penjing.tasks.loading import load_language_network, load_model
    from penjing.text.preference_renderer import preferences_by

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = cast("WritingModel | DialogueModel", load_model(model_folder))
        pairs, pad_id = render_pairs(preferences_by(model.renderer), rows), model.renderer.tokenizer.pad_id
        own = measure_likelihoods(cast("nn.Module", model.network), pairs.shard, pad_id, progress)
        reference = None
        if given.reference is not None:
            _check_tokenizer(model, given.reference)
            reference = measure_likelihoods(load_language_network(given.reference), pairs.shard, pad_id, progress)
        measures = PreferenceMeasures(beta=model.card["preference"]["beta"], resamples=resamples)
        measured: dict[str, Any] = evaluate_preferences(
            pairs, Likelihoods(own, reference), measures, "preference_accuracy"
        )
    del measured["margins"]
    learned = find_learned(model_folder, rows.texts)
    show_measured(model_folder, given.data, measured, learned, len(rows.texts), as_json=as_json)


def _check_tokenizer(model: WritingModel | DialogueModel, folder: Path) -> None:
    from penjing.text.tokenizer import load_tokenizer

    if load_tokenizer(folder).fingerprint != model.renderer.tokenizer.fingerprint:
        raise UsageError(
            "this model has another tokenizer, so that its probabilities do not compare",
            where=f"--reference {folder}",
            do="Give the model that learning started from.",
        )
