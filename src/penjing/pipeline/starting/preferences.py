"""Recipes for prompts with two answers each."""

from __future__ import annotations

from pathlib import Path

from penjing.errors import UsageError
from penjing.files import read_json
from penjing.models.weights import read_config
from penjing.pipeline.start import locate_folder
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted, row_tokens, rows_section
from penjing.tasks.card import CARD
from penjing.tasks.task import load_task

_TOKENS_A_WORD = 1.5
_TOKENS_A_MESSAGE = 4  # marks of who speaks
_SHORTEST, _LONGEST = 64, 512  # tokens of a window of a dialogue
_GOES_ON = "[BEGIN]{text}"


def propose_preferences(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns a recipe: the model at the start learns by DPO, one epoch.

    Raises:
        UsageError: no start is named.
        RecipeError: there is no such folder.
    """
    if wanted.start is None:
        raise UsageError(
            "preferences are learned by a model that writes already, and none is named",
            where=f"penjing new {wanted.task}",
            do="Name its folder: --start runs/NAME/model",
        )
    start = locate_folder(wanted.start, "--start")
    prompt, answer = (row_tokens(words, _TOKENS_A_WORD) for words in (found.long_words, found.long_target_words))
    window = _window(start)
    if load_task(wanted.task).answers == "preferred reply":
        whole = min(_LONGEST, max(_SHORTEST, prompt + answer + 8 * _TOKENS_A_MESSAGE), window or _LONGEST)
        render: Document = {"max_tokens": whole}
        answer = min(answer, whole // 2)
    else:
        if window is not None and prompt + answer > window:
            answer = min(answer, window // 2)
            prompt = window - answer
        render = {**_layout(start), "max_tokens": prompt, "max_target_tokens": answer}
    document: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
        "model": {"start": wanted.start},
        "render": render,
        "finetune": {"epochs": 1, "batch_rows": 16, "preference": {"loss": "dpo", "beta": 0.1}},
        "write": {"max_tokens": answer},
        "report": {"language": wanted.language},
    }
    return [("preferences", document)]


def _window(start: Path) -> int | None:
    """Returns the most tokens that a model reads with what it writes; None where it knows no end."""
    longest = read_config(start).get("max_position_embeddings")
    return longest if isinstance(longest, int) else None


def _layout(start: Path) -> Document:
    """Returns how the model at the start reads and writes, where that is not the usual way."""
    card = read_json(start / CARD) if (start / CARD).is_file() else {}
    render = card.get("render", {})
    if "target" in render:
        return {key: render[key] for key in ("template", "target")}
    if read_config(start).get("model_type") in ("t5", "mt5"):
        return {}
    return {"template": _GOES_ON}  # a language model goes on where a text ends
