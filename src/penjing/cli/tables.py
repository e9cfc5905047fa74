"""Tables of scores, as the commands show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from penjing.cli.figure_table import FigureTable
from penjing.pipeline.report.wording import NUMBERS, OF_HUNDRED, Wording

_BAR = 30  # characters
_LANGUAGE = ("bits_per_byte", "token_perplexity", "word_perplexity")
_WORDING = Wording("en")  # scores are called as in the report
_OF_BANDS = {"hit_rate_10": "hit rate@10", "mrr": "MRR"}


def fact_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Returns names with what they are, one a line."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="left", overflow="fold")
    for name, fact in rows:
        table.add_row(Text(name), Text(fact))
    return table


def count_table(counts: Mapping[str, int]) -> Table:
    """Returns values with how many there are of each, and a bar."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for side in ("left", "right", "left"):
        table.add_column(justify="right" if side == "right" else "left")
    most = max(counts.values(), default=1)
    for value, count in counts.items():
        table.add_row(Text(f"  {value[:60] or '–'}"), f"{count:,}", "█" * round(_BAR * count / max(1, most)))
    return table


def score_table(evaluation: dict[str, Any]) -> FigureTable:
    """Returns the scores of the model and the baselines, each with its 95% interval."""
    beside = {"network alone": alone} if (alone := evaluation.get("alone")) else {}
    beside |= evaluation.get("baselines", {})
    table = FigureTable(["model", *beside], f"{evaluation['rows']:,} test rows, 95% intervals")
    columns = [evaluation, *beside.values()]
    for score in evaluation["scores"]:
        table.add_row(_WORDING.name("score", score), *(_cell(score, column["scores"].get(score)) for column in columns))
    return table


def label_table(measured: dict[str, Any]) -> FigureTable:
    """Returns the figures of each label, the most frequent first, each with its 95% interval; a dash: not defined."""
    names = ("precision", "recall", "f1", "auroc", "ece")
    table = FigureTable([*names, "rows"])
    for label, figures in _by_frequency(measured["per_label"]):
        cells = [_cell(name, figures[name] or None) for name in names]
        table.add_row(label, *cells, f"{figures['support']:,}")
    return table


def confusion_table(measured: dict[str, Any]) -> FigureTable:
    """Returns the confusion matrix of each label, as rows, the most frequent first."""
    names = ("true_positives", "false_positives", "false_negatives", "true_negatives")
    table = FigureTable([name.replace("_", " ") for name in names], "Test rows of each label")
    for label, figures in _by_frequency(measured["per_label"]):
        table.add_row(label, *(f"{figures[name]:,}" for name in names))
    return table


def _by_frequency(per_label: Mapping[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(per_label.items(), key=lambda item: -item[1]["support"])


def ranking_lines(evaluation: dict[str, Any]) -> list[str]:
    """Returns what else there is to say of a model that ranks items; nothing of another."""
    lines = []
    others = evaluation.get("baselines", {})
    for name, band in evaluation.get("bands", {}).items():
        beside = [f"{other} {scores['bands'][name]['ndcg_10']['value']:.3f}" for other, scores in others.items()]
        figures = ", ".join([_cell("ndcg_10", band["ndcg_10"]), *beside])
        lines.append(f"NDCG@10, {name} of the items by popularity, {band['rows']:,} users: {figures}")
        more = [f"{title} {_cell(key, band[key])}" for key, title in _OF_BANDS.items() if key in band]
        lines += [f"  {', '.join(more)}"] if more else []
    if (cold := evaluation.get("cold")) is not None:
        beside = [f"{other} {scores['scores']['ndcg_10']['value']:.3f}" for other, scores in cold["baselines"].items()]
        figures = ", ".join([_cell("ndcg_10", cold["scores"]["ndcg_10"]), *beside])
        lines.append(f"NDCG@10, {cold['items']:,} items kept out of training, {cold['rows']:,} users: {figures}")
    if "items" in evaluation:
        lines.append(f"All {evaluation['items']:,} items are ranked but those that the user had already.")
    return lines


def _cell(name: str, score: dict[str, float | None] | None) -> str:
    """Returns a score with its interval, as far as they are defined; a dash where it is not."""
    if score is None or name in _LANGUAGE:
        return _language_cell(name, dict(score) if score else None)
    shown = ".3f" if name in NUMBERS else ".1f" if name in OF_HUNDRED else ".1%"
    scale, ends = OF_HUNDRED.get(name, 1), [score[end] for end in ("value", "low", "high")]
    value, low, high = ("–" if end is None else f"{scale * end:{shown}}" for end in ends)
    return value if None in ends else f"{value} ({low}–{high})"


def language_title(measured: dict[str, Any]) -> str:
    """Returns what a language model was measured on."""
    return f"{measured['documents']:,} texts, {measured['words']:,} words, {measured['bytes']:,} bytes, 95% intervals"


def language_table(measured: dict[str, Any]) -> FigureTable:
    """Returns the scores of a language model and its baselines, each with its 95% interval."""
    columns = {"model": measured, **measured.get("baselines", {})}
    table = FigureTable(list(columns))
    for name in _LANGUAGE:
        row = [_language_cell(name, _find(column["scores"], name)) for column in columns.values()]
        shown = f"pseudo_{name}" if f"pseudo_{name}" in measured["scores"] else name
        table.add_row(_WORDING.name("score", shown), *row)
    return table


def _find(scores: dict[str, Any], name: str) -> dict[str, float | None] | None:
    found: dict[str, float | None] | None = scores.get(name, scores.get(f"pseudo_{name}"))
    return found


def language_notes(measured: dict[str, Any]) -> list[str]:
    """Returns what must be known to read the scores."""
    documents, notes = measured["documents"], []
    for name, difference in measured.get("differences", {}).items():
        notes.append(bits_note(name, difference))
    if any(name.startswith("pseudo_") for name in measured["scores"]):
        notes.append("Each token was guessed from both sides: this compares only with other masked models.")
    if measured["exact_documents"] < documents:
        kept, unknown = measured["exact_documents"], measured["unknown_tokens"]
        notes.append(
            f"The tokenizer gives back {kept:,} of {documents:,} texts as they were; {unknown:,} tokens are unknown "
            "words: bits per byte are too good by what it threw away, and compare with this tokenizer only."
        )
    if measured["windowed_documents"]:
        long = f"{measured['windowed_documents']:,} of {documents:,} texts"
        notes.append(f"{long} are longer than the model reads at once, and were read in overlapping windows.")
    return notes


def bits_note(name: str, difference: dict[str, float | None]) -> str:
    """Returns by how much a model's bits per byte differ from those of a baseline."""
    return f"Bits per byte less those of {name}: {_language_cell('bits_per_byte', difference)}."


def _language_cell(name: str, score: dict[str, float | None] | None) -> str:
    if score is None or score["value"] is None:
        return "–"
    ends = [end for end in (score["low"], score["high"]) if end is not None]
    digits = ".3f" if name == "bits_per_byte" else ",.1f" if score["value"] < 1000 else ",.0f"
    interval = f" ({ends[0]:{digits}}–{ends[1]:{digits}})" if len(ends) == 2 else ""
    return f"{score['value']:{digits}}{interval}"
