"""``penjing evaluate`` of a language model: on texts, or on minimal pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import find_learned, say_learned
from penjing.cli.figure_table import FigureTable
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import language_notes, language_table, language_title
from penjing.data.minimal_pairs import MinimalPair, holds_minimal_pairs, read_minimal_pairs
from penjing.data.reading import read_rows
from penjing.data.rows import TextRows
from penjing.errors import UsageError
from penjing.files import read_json
from penjing.tasks.card import CARD, read_learned

_LANGUAGE_CLASSES = ("ForCausalLM", "ForMaskedLM", "ForConditionalGeneration", "LMHeadModel")


def is_language_model(folder: Path) -> bool:
    """Whether the class that ``config.json`` names is a language model's, and it has no task; read without torch.

    A folder that cannot be read is no language model: who opens it says what is wrong with it.
    """
    try:
        values = read_json(folder / "config.json")
        card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    except (OSError, ValueError):
        return False
    if isinstance(card, dict) and "task" in card:
        return False
    names = values.get("architectures") if isinstance(values, dict) else None
    if not isinstance(names, list) or not names:
        return not (folder / CARD).exists()
    return str(names[0]).endswith(_LANGUAGE_CLASSES)


def show_language_scores(
    folder: Path,
    data: str,
    text: str,
    columns: tuple[str, ...] | None,
    encoding: str | None,
    train: str | None,
    pairs_per_set: int | None,
    resamples: int,
    *,
    as_json: bool,
) -> None:
    """Measures a language model on a file or standard input; what is in it decides what is measured."""
    with open_data(data) as address:
        has_pairs = columns is None and holds_minimal_pairs(address, encoding)
        _check_options(data, encoding, train, pairs_per_set, has_pairs=has_pairs)
        pairs = read_minimal_pairs(address, encoding) if has_pairs else None
        texts = [] if pairs else _texts(read_rows(address, text, columns=columns, encoding=encoding))
    learned = read_rows(train, text, columns=columns, encoding=encoding) if train else None
    training = None if learned is None else [rows.texts for rows in learned]
    progress = TerminalProgress(log_console())
    if pairs is not None:
        measured = _measure_pairs(folder, pairs, pairs_per_set, resamples, progress)
    else:
        measured = _measure_texts(folder, texts, training, resamples, progress) | find_learned(folder, texts)
    if as_json:
        print_json({"model": str(folder), "data": data, **measured})
    elif pairs is not None:
        _show_pairs(measured)
    else:
        _show_texts(measured, len(texts))


def _texts(batches: Iterable[TextRows]) -> list[str]:
    return [text for rows in batches for text in rows.texts]


def _check_options(
    data: str, encoding: str | None, train: str | None, pairs_per_set: int | None, *, has_pairs: bool
) -> None:
    if pairs_per_set is not None and not has_pairs:
        raise UsageError(
            "--pairs-per-set is given, and there are no minimal pairs",
            where=data,
            do="Leave it out, or give a zip such as BLiMP's or a file with the columns sentence_good and sentence_bad.",
        )
    if train is not None and has_pairs:
        raise UsageError("--train is given, and minimal pairs are no texts", where=data, do="Leave --train out.")
    if encoding is not None and has_pairs and data.lower().endswith(".zip"):
        raise UsageError("--encoding is given, and what is in a zip is read as UTF-8", where=data, do="Leave it out.")


def _measure_pairs(
    folder: Path, pairs: list[MinimalPair], pairs_per_set: int | None, resamples: int, progress: TerminalProgress
) -> dict[str, Any]:
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.minimal_pairs import evaluate_minimal_pairs
    from penjing.inference.language_model import load_language_model

    return evaluate_minimal_pairs(
        load_language_model(folder, read_learned(folder)),
        pairs,
        pairs_per_set=pairs_per_set,
        resamples=resamples,
        seed=0,
        progress=progress,
    )


def _measure_texts(
    folder: Path, texts: list[str], training: list[list[str]] | None, resamples: int, progress: TerminalProgress
) -> dict[str, Any]:
    from penjing.evaluate.language import evaluate_language_baselines, evaluate_language_model
    from penjing.inference.language_model import load_language_model

    model = load_language_model(folder, read_learned(folder))
    evaluation = evaluate_language_model(model, texts, resamples=resamples, seed=0, progress=progress)
    if training is None:
        return evaluation.to_dict()
    baselines, differences = evaluate_language_baselines(
        model, evaluation, training, texts, resamples=resamples, seed=0, progress=progress
    )
    return {**evaluation.to_dict(), "baselines": baselines, "differences": differences}


def _show_texts(measured: dict[str, Any], rows: int) -> None:
    console = result_console()
    console.print(language_title(measured), soft_wrap=True)
    console.print(language_table(measured))
    for note in language_notes(measured):
        console.print(note, soft_wrap=True)
    say_learned(console, {"learned_rows": measured["learned_rows"]}, rows)


def _show_pairs(measured: dict[str, Any]) -> None:
    sample = f", {measured['pairs']:,} of them asked" if measured["pairs"] < measured["pairs_given"] else ""
    title = f"{measured['pairs_given']:,} minimal pairs in {measured['sets']:,} sets{sample}; 95% intervals"
    table = FigureTable(["accuracy", "sets"])
    table.add_row(f"by {measured['measure']}, mean over sets", _share(measured["accuracy"]), str(measured["sets"]))
    for name, score in measured["baselines"].items():
        table.add_row("a coin" if name == "random" else name, _share(score), "")
    for group in ("by_field", "by_term"):
        for name, score in measured[group].items():
            table.add_row(f"{group.removeprefix('by_')} {name}", _share(score), str(score["sets"]))
    for name, score in measured["by_set"].items():
        table.add_row(f"set {name}", _share(score), "")
    console = result_console()
    console.print(title, soft_wrap=True)
    console.print(table)
    if measured["ties"]:
        console.print(f"{measured['ties']:,} pairs are ties, and count one half.", soft_wrap=True)


def _share(score: dict[str, float]) -> str:
    if score["low"] == score["high"]:
        return f"{score['value']:.1%}"
    return f"{score['value']:.1%} ({score['low']:.1%}–{score['high']:.1%})"
