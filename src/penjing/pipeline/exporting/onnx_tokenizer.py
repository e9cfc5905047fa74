"""A ``tokenizer.json`` that lays out rows as the model reads them: with its special tokens, cut as it cuts them."""

from __future__ import annotations

import re
from typing import Any

from penjing.errors import UsageError
from penjing.files import read_json
from penjing.pipeline.exporting.source import Source
from penjing.text.renderer import template_columns

_GAP = r"(?<=\w) (?=(?i:n't|'s|'re|'ve|'ll|'d|'m)(?!\w))"
_SIDES = {"end": "Right", "start": "Left"}


def onnx_tokenizer(source: Source) -> dict[str, Any]:
    """Returns the document.

    Raises:
        UsageError: the model reads texts in a way that no such document says.
    """
    settings, tokenizer = source.render_settings, source.tokenizer
    columns = template_columns(settings.template)
    faults = [
        "" if tokenizer.words.is_plain else "it cuts texts into words, or leaves words out, before they are read",
        "" if len(columns) == 1 else f"a row has several columns: {', '.join(columns)}",
        "" if settings.cut in _SIDES else "texts that are too long are cut in the middle",
    ]
    if any(faults):
        raise UsageError(
            f"no tokenizer.json says how this model reads a text: {'; '.join(filter(None, faults))}",
            where=str(source.folder),
            do="Serve it with Penjing.",
        )
    document: dict[str, Any] = read_json(source.folder / "tokenizer.json")
    cut = {"direction": _SIDES[settings.cut], "max_length": source.longest, "strategy": "LongestFirst", "stride": 0}
    document |= {"truncation": cut, "padding": None, "post_processor": _layout(source)}
    if settings.rejoin:
        first = {"type": "Replace", "pattern": {"Regex": _GAP}, "content": ""}
        rest = document.get("normalizer")
        document["normalizer"] = {"type": "Sequence", "normalizers": [first, *([rest] if rest else [])]}
    return document


def _layout(source: Source) -> dict[str, Any]:
    """Returns the post-processor that lays out the template of a row."""
    tokenizer = source.tokenizer
    marks = {"CLS": [tokenizer.start_id], "SEP": [tokenizer.end_id], "BEGIN": tokenizer.prompt_start}
    pieces: list[dict[str, Any]] = []
    named: dict[str, dict[str, Any]] = {}
    for mark, column in re.findall(r"\[(\w+)\]|\{(\w+)\}", source.render_settings.template):
        if column:
            pieces.append({"Sequence": {"id": "A", "type_id": 0}})
            continue
        for token_id in marks[mark]:
            name = tokenizer.token(token_id)
            named[name] = {"id": name, "ids": [token_id], "tokens": [name]}
            pieces.append({"SpecialToken": {"id": name, "type_id": 0}})
    pair = [*pieces, {"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": pieces, "pair": pair, "special_tokens": named}
