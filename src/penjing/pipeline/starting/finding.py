"""What files of dialogues, preferences and texts with several labels hold, as far as a recipe must know it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from penjing.data.column_names import named as called_so
from penjing.data.conversations import are_peers, read_conversations
from penjing.data.labels.schema import Column
from penjing.data.labels.several import SEPARATORS, split_labels, written_list
from penjing.data.messages import read_messages
from penjing.data.plain import plain_value
from penjing.data.sources import Layout
from penjing.errors import DataError, UsageError
from penjing.pipeline.starting.columns import find_columns
from penjing.pipeline.starting.looking import (
    Found,
    Table,
    choose_column,
    choose_pair,
    count_rows,
    describe_files,
    describe_targets,
    describe_texts,
    learned_files,
    read_values,
)
from penjing.pipeline.starting.naming import refuse_names


def look_at_dialogues(address: str, text: str | None, target: str | None) -> Found:
    """Returns what dialogues look like: a column of messages, one of what is said and one of the reply, or JSON by
    conversation.

    Args:
        address: as ``[data] path`` takes it.
        text: column of the messages or of what is said; None: it is looked for.
        target: column of the reply; None: there are messages, or it is looked for.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: no columns look like a dialogue.
    """
    files, splits = learned_files(address)
    keyed = _conversations(files)
    if keyed:
        refuse_names({"text": text, "target": target}, address, "this is JSON keyed by conversation, without columns")
        turns = [[plain_value(turn.get("message")) for turn in value["content"]] for value in keyed.values()]
        spoken = [messages for messages in turns if messages]
        return replace(_describe_dialogues(files, splits, None, len(spoken), spoken, {}), are_peers=are_peers(keyed))
    table = describe_files(files)
    layout, columns = table.layout, table.columns
    candidates = [text] if text is not None else [column.name for column in columns]
    for name in candidates if target is None else ():
        choose_column(columns, name, "text", address)
        dialogues = _messages(read_values(files, [name], layout))
        if dialogues:
            section = {} if name == "messages" else {"text": name}
            rows = count_rows(files, layout, name)
            return _describe_dialogues(files, splits, table, rows, dialogues, section)
    names = [column.name for column in columns]
    asking, answering = called_so(names, "prompt"), called_so(names, "reply")
    if not asking and not answering and called_so(names, "speaker") and called_so(names, "assistant"):
        asking, answering = called_so(names, "speaker"), called_so(names, "assistant")
    said = text or next(iter(asking), None)
    reply = target or next((name for name in answering if name != said), None)
    chosen = choose_pair(columns, said, reply, longer_first=False, address=address)
    values = read_values(files, list(chosen), layout)
    both = [f"{row[0]} {row[1]}" for row in values if row[0] and row[1]]
    rows = count_rows(files, layout, chosen[0])
    found = describe_texts(files, rows, table, ("text", None), both, splits)
    return describe_targets(found, None, [str(row[1]) for row in values], {"text": chosen[0], "target": chosen[1]})


def look_at_preferences(address: str, named: Mapping[str, str]) -> Found:
    """Returns what prompts with two answers each look like.

    Args:
        address: as ``[data] path`` takes it.
        named: setting of ``[data]`` → column: ``text``, which is the prompt, a text or a list of messages, ``chosen``
            and ``rejected``; others are found by their names.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: a column is not found.
    """
    files, splits = learned_files(address)
    table = describe_files(files)
    layout, columns = table.layout, table.columns
    names = find_columns(columns, ("text", "chosen", "rejected"), named, address, {"text": "prompt"})
    values = read_values(files, list(names.values()), layout)
    prompts, *answers = ([" ".join(said) for said in map(_said, column)] for column in zip(*values, strict=True))
    usual = {"text": "prompt", "chosen": "chosen", "rejected": "rejected"}
    section = {role: name for role, name in names.items() if name != usual[role]}
    rows = count_rows(files, layout, names["text"])
    found = describe_texts(files, rows, table, ("text", None), [text for text in prompts if text], splits)
    return describe_targets(found, None, [text for column in answers for text in column if text], section)


def look_at_label_sets(address: str, text: str | None, label: str | None) -> Found:
    """Returns what texts with any number of labels look like.

    Args:
        address: as ``[data] path`` takes it.
        text: column of the text; None: the one that looks like it.
        label: column of the labels, or several of 0 and 1 with commas between; None: they are looked for.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: no column looks like labels.
    """
    files, splits = learned_files(address)
    table = describe_files(files)
    layout, columns = table.layout, table.columns
    read = choose_column(columns, text, "text", address)
    chosen = label.split(",") if label is not None else _label_columns(columns, read, address)
    for name in chosen:
        choose_column(columns, name, "label", address)
    values = read_values(files, [read, *chosen], layout)
    section: dict[str, Any] = {"label": chosen if len(chosen) > 1 else chosen[0]}
    counts: Counter[str] = Counter()
    if len(chosen) > 1:
        counts.update(name for row in values for name, cell in zip(chosen, row[1:], strict=True) if _holds(cell))
    elif any(isinstance(row[1], list) for row in values):
        counts.update(plain_value(item) for row in values if isinstance(row[1], list) for item in row[1])
    else:
        cells = [plain_value(row[1]) for row in values]
        sign = max(SEPARATORS, key=lambda sign: sum(sign in cell for cell in cells))
        if all(written_list(cell) is None for cell in cells):
            section["separator"] = sign
        counts.update(label for cell in cells for label in split_labels(cell, sign))
    texts = [row[0] for row in values if isinstance(row[0], str) and row[0]]
    rows = count_rows(files, layout, read)
    found = describe_texts(files, rows, table, (read, None), texts, splits, dict(counts.most_common()))
    return describe_targets(found, None, [], section)


def _conversations(files: Sequence[Path]) -> dict[str, Mapping[str, Any]]:
    """Returns the dialogues of JSON keyed by conversation; none where a file is another."""
    found: dict[str, Mapping[str, Any]] = {}
    for number, file in enumerate(files):
        keyed = read_conversations(file, Layout(encoding="auto"))
        if keyed is None:
            return {}
        found |= {f"{number}/{key}": value for key, value in keyed.items()}
    return found


def _describe_dialogues(
    files: list[Path],
    splits: tuple[str, ...],
    table: Table | None,
    rows: int,
    dialogues: Sequence[Sequence[str]],
    section: Mapping[str, Any],
) -> Found:
    joined = [" ".join(said) for said in dialogues]
    found = describe_texts(files, rows, table, ("text", None), joined, splits)
    return describe_targets(found, None, [said for row in dialogues for said in row[1:]], section)


def _said(value: object) -> list[str]:
    """Returns what a cell says: a text, or messages, which may stand in it as JSON."""
    found = _messages([[value]])
    return found[0] if found else [plain_value(value)]


def _messages(values: Sequence[Sequence[object]]) -> list[list[str]]:
    """Returns what is said in the dialogues of a column; none where its first cells are no lists of messages.

    A dialogue that breaks a rule, such as one that the assistant begins, is one all the same, and is left out.
    """
    found: list[list[str]] = []
    for place, row in enumerate(values):
        value = row[0]
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            parsed = None
        try:
            found.append([message.content for message in read_messages(parsed, f"row {place + 1}")])
        except DataError:
            if not found and not _holds_messages(parsed):
                return []
    return found


def _holds_messages(parsed: Any) -> bool:
    messages = parsed if isinstance(parsed, Sequence) and not isinstance(parsed, str) else ()
    return bool(messages) and all(isinstance(one, Mapping) and "role" in one and "content" in one for one in messages)


def _label_columns(columns: Sequence[Column], text: str, address: str) -> list[str]:
    rest = [column for column in columns if column.name != text]
    likely = called_so([column.name for column in rest], "labels")
    if likely:
        return likely[:1]
    flags = [c.name for c in rest if c.kind in ("whole number", "truth value") and c.distinct <= 2 and not c.empty]
    lists = [column.name for column in rest if column.kind == "nested"]
    if len(flags) < 2 and not lists:
        raise UsageError(
            f"no column looks like labels; its columns are {', '.join(c.name for c in columns[:20])}",
            where=address,
            do="Name it with --label; several columns of 0 and 1 with commas between.",
        )
    return lists[:1] or flags


def _holds(cell: object) -> bool:
    return plain_value(cell).lower() in ("1", "true")
