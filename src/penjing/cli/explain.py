"""``penjing explain``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from penjing.cli.figure_table import FigureTable
from penjing.cli.output import print_json, result_console
from penjing.cli.predict import read_texts
from penjing.tasks.card import card_task, read_card

if TYPE_CHECKING:
    from penjing.explain.attribution import Attribution

# From faint to deep; black can be read on all of them.
_FOR = ("#d7f0df", "#aee0c0", "#85d0a1", "#5cc082")
_AGAINST = ("#fde3d8", "#fbc5b0", "#f8a888", "#f58a60")
_COUNTS_FROM = 1 / 8  # of the highest score; below, a word keeps the ground it stands on
_MOST_WORDS = 8


def show_explanations(
    model_folder: Path,
    texts: list[str],
    file: Path | None,
    column: str,
    method: str,
    label: str | None,
    *,
    encoding: str | None = None,
    as_json: bool,
) -> None:
    """Says of each text which words the answer rests on."""
    card_task(read_card(model_folder), model_folder)
    source = (text for text in read_texts(texts, file, column, encoding) if text is not None)
    from penjing.tasks.loading import load_as  # brings torch, which a wrong call need not wait for
    from penjing.tasks.scoring_model import ScoringModel

    model = load_as(ScoringModel, model_folder)
    found = []
    for text in source:
        attribution = model.explain(text, method=method, label=label)
        if as_json:
            found.append(attribution.to_dict())
        else:
            _show(attribution)
    if as_json:
        print_json(found[0] if len(texts) == 1 else found)


def _show(attribution: Attribution) -> None:
    console = result_console()
    console.print(f"{attribution.label} ({attribution.probability:.1%})", style="bold")
    console.print(_heat(attribution))
    if attribution.not_read:
        unread = sum(end - start for start, end in attribution.not_read)
        console.print(f"Not read: {unread:,} characters beyond the model's window, crossed out above.")
    table = Table("word", "score", box=None, padding=(0, 2, 0, 0))
    for item in sorted(attribution.words, key=lambda item: -abs(item.score))[:_MOST_WORDS]:
        if item.score:
            table.add_row(Text(item.word), f"{item.score:+.3f}")
    console.print(table)
    figures = [
        f"comprehensiveness {attribution.comprehensiveness:.3f}",
        f"sufficiency {attribution.sufficiency:.3f}",
    ]
    if attribution.completeness_error is not None:
        figures.append(f"completeness error {attribution.completeness_error:.2%}")
    console.print(f"{attribution.method}: {', '.join(figures)}\n", soft_wrap=True)


def _heat(attribution: Attribution) -> Text:
    """Returns the text with every word on the ground of its score."""
    highest = max(abs(item.score) for item in attribution.words)
    shown = Text(attribution.text)
    for item in attribution.words:
        share = abs(item.score) / highest if highest else 0.0
        if share >= _COUNTS_FROM:
            ground = (_FOR if item.score > 0 else _AGAINST)[min(3, math.floor(4 * share))]
            shown.stylize(f"black on {ground}", item.start, item.end)
    for start, end in attribution.not_read:
        shown.stylize("strike dim", start, end)
    return shown


def show_comparison(
    model_folder: Path,
    texts: list[str],
    file: Path | None,
    column: str,
    *,
    encoding: str | None = None,
    as_json: bool,
) -> None:
    """Measures on these texts how far each method can be believed."""
    card_task(read_card(model_folder), model_folder)
    source = [text for text in read_texts(texts, file, column, encoding) if text is not None]
    from penjing.explain.explaining import compare_methods, fitting_methods
    from penjing.tasks.loading import load_as
    from penjing.tasks.scoring_model import ScoringModel

    model = load_as(ScoringModel, model_folder)
    measured = compare_methods(model, source, fitting_methods(model.engine.network), seed=0)
    if as_json:
        print_json(measured)
        return
    headings = ("comprehensiveness", "sufficiency", "complete", "time")
    table = FigureTable(headings, f"{measured['texts']:,} texts, 95% intervals")
    for name, figures in sorted(measured["methods"].items(), key=lambda item: -item[1]["comprehensiveness"]["value"]):
        complete = "–" if figures["complete"] is None else f"{figures['complete']:.1%}"
        intervals = [_interval(figures[key]) for key in ("comprehensiveness", "sufficiency")]
        table.add_row(name, *intervals, complete, f"{1000 * figures['seconds']:,.0f} ms")
    result_console().print(table)


def _interval(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.2f} ({figure['low']:.2f}…{figure['high']:.2f})"
