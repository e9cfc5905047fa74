"""What files of questions, dialogues, events and texts with several labels hold, as far as a recipe must know it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from penjing.data.column_names import named
from penjing.data.conversations import are_peers, read_conversations
from penjing.data.labels.schema import Column, called, is_guessable
from penjing.data.labels.several import SEPARATORS
from penjing.data.messages import read_messages
from penjing.data.plain import plain_value
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.sources import Layout, group_by_split, source_files
from penjing.errors import DataError, UsageError
from penjing.pipeline.starting.looking import (
    MOST_ROWS,
    Found,
    Table,
    choose_column,
    choose_pair,
    count_rows,
    describe_files,
    describe_targets,
    describe_texts,
    read_values,
)

_MOST_COLUMNS = 3  # of an item's text
_FEWEST_WHOLES = 10  # documents: of fewer a split would be one of them, and not like the others


def look_at_questions(address: str, text: str | None, answer: str | None) -> Found:
    """Returns what questions with their texts look like, in the layout of SQuAD or as a table.

    Args:
        address: as ``[data] path`` takes it.
        text: column of the text; None: the longest.
        answer: column of the answer; None: the one of that name.

    Raises:
        RecipeError: a file is missing.
        DataError: a file or a row cannot be used.
        UsageError: a column that is needed is not found.
    """
    files, splits = _learned(address)
    settings = QuestionData(path=address, encoding="auto", empty_text="drop", absent="keep", offsets="repair")
    section: dict[str, Any] = {}
    columns = describe_files(files).columns
    if not _is_squad(columns):
        names = {
            "question": _named(columns, "question", address),
            "answer": answer or _named(columns, "answer", address),
        }
        rest = [column for column in columns if column.name not in names.values()]
        likely = called(rest, "context") or sorted(rest, key=lambda c: (not is_guessable(c), -c.characters))
        names["text"] = text or (likely or columns)[0].name
        choose_column(columns, names["text"], "text", address)
        names |= _places(columns, names.values())
        section = {key: name for key, name in names.items() if name != getattr(settings, key)}
        settings = settings.model_copy(update=names)
    reader, read = _read_questions(settings, files)
    if section.get("answer_start") is not None and 2 * reader.counts["moved"] > len(read):
        del section["answer_start"]  # it is called so, but says something else
        _, read = _read_questions(settings.model_copy(update={"answer_start": None}), files)
    if not read:
        raise UsageError("there are no questions in it", where=address, do="Give a file with some.")
    found = describe_texts(files, len(read), None, ("text", None), [item.text for item in read], splits)
    return describe_targets(found, None, [item.question for item in read], section)


def _read_questions(settings: QuestionData, files: Sequence[Path]) -> tuple[QuestionReader, list[Question]]:
    reader = QuestionReader(settings)
    return reader, [*islice(chain.from_iterable(map(reader.read, files)), MOST_ROWS)]


def _places(columns: Sequence[Column], used: Iterable[str]) -> dict[str, str]:
    """Returns the columns, as far as there are such, of where an answer begins and of what a text is a part of."""
    rest = [column for column in columns if column.name not in {*used}]
    starts = called(rest, "answer_start", ("whole number",))[:1]
    several = [column for column in rest if column not in starts and column.distinct >= _FEWEST_WHOLES]
    wholes = called(several, "whole", ("text", "whole number"))[:1]
    return {key: found[0].name for key, found in (("answer_start", starts), ("document", wholes)) if found}


def holds_questions(columns: Sequence[Column]) -> bool:
    """Returns whether these are the columns of questions: those of SQuAD's layout, or question and answer by name."""
    names = [column.name for column in columns]
    return _is_squad(columns) or (len(names) > 2 and all(named(names, role) for role in ("question", "answer")))


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
    files, splits = _learned(address)
    keyed = _conversations(files) if text is None and target is None else {}
    if keyed:
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
    asking, answering = named(names, "prompt"), named(names, "reply")
    if not asking and not answering and named(names, "speaker") and named(names, "assistant"):
        asking, answering = named(names, "speaker"), named(names, "assistant")
    said = text or next(iter(asking), None)
    reply = target or next((name for name in answering if name != said), None)
    chosen = choose_pair(columns, said, reply, longer_first=False, address=address)
    values = read_values(files, list(chosen), layout)
    both = [f"{row[0]} {row[1]}" for row in values if row[0] and row[1]]
    rows = count_rows(files, layout, chosen[0])
    found = describe_texts(files, rows, table, ("text", None), both, splits)
    return describe_targets(found, None, [str(row[1]) for row in values], {"text": chosen[0], "target": chosen[1]})


def look_at_preferences(address: str, text: str | None) -> Found:
    """Returns what prompts with two answers each look like.

    Args:
        address: as ``[data] path`` takes it.
        text: column of the prompt, a text or a list of messages; None: it is found by its name.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: a column is not found.
    """
    files, splits = _learned(address)
    table = describe_files(files)
    layout, columns = table.layout, table.columns
    names = {"text": text or _named(columns, "prompt", address)}
    choose_column(columns, names["text"], "text", address)
    names |= {role: _named(columns, role, address) for role in ("chosen", "rejected")}
    values = read_values(files, list(names.values()), layout)
    prompts, *answers = ([" ".join(said) for said in map(_said, column)] for column in zip(*values, strict=True))
    usual = {"text": "prompt", "chosen": "chosen", "rejected": "rejected"}
    section = {role: name for role, name in names.items() if name != usual[role]}
    rows = count_rows(files, layout, names["text"])
    found = describe_texts(files, rows, table, ("text", None), [text for text in prompts if text], splits)
    return describe_targets(found, None, [text for column in answers for text in column if text], section)


def look_at_events(addresses: Sequence[str]) -> Found:
    """Returns what events of users with items look like.

    Args:
        addresses: of the table of events, then of that of items; of RecBole's files the second is found.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: there is no table of items, or a column is not found by its name.
    """
    events, items = addresses[0], addresses[1] if len(addresses) > 1 else _beside(addresses[0])
    files, splits = _learned(events)
    table = describe_files(files)
    layout, columns = table.layout, table.columns
    section: dict[str, Any] = {"items": items}
    names = {role: _named(columns, role, events) for role in ("user", "item", "time")}
    section |= {role: name for role, name in names.items() if name != role}
    described = describe_files(source_files(items))
    key = _named(described.columns, "item", items)
    if key != "item":
        section["id"] = key
    shown = _describing(described.columns, key)
    section["text"] = " ".join(f"{{{name}}}" for name in shown)
    values = read_values(source_files(items), shown, described.layout)
    texts = [text for row in values if (text := " ".join(map(plain_value, row)).strip())]
    rows = count_rows(files, layout, names["item"])
    found = describe_texts(files, rows, table, ("text", None), texts, splits)
    return describe_targets(found, None, [], section)


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
    files, splits = _learned(address)
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
        section["separator"] = max(SEPARATORS, key=lambda sign: sum(sign in cell for cell in cells))
        parts = (part.strip() for cell in cells for part in cell.split(section["separator"]))
        counts.update(part for part in parts if part)
    texts = [row[0] for row in values if isinstance(row[0], str) and row[0]]
    rows = count_rows(files, layout, read)
    found = describe_texts(files, rows, table, (read, None), texts, splits, dict(counts.most_common()))
    return describe_targets(found, None, [], section)


def _learned(address: str) -> tuple[list[Path], tuple[str, ...]]:
    """Returns the files to learn from, and the splits that have files of their own."""
    files = source_files(address)
    groups = group_by_split(files) if len(files) > 1 else {}
    return groups.get("train", files), tuple(sorted(groups))


def _named(columns: Sequence[Column], role: str, address: str) -> str:
    found = named([column.name for column in columns], role)
    if found:
        return found[0]
    raise UsageError(
        f"no column is called {role}, or like one; its columns are {', '.join(c.name for c in columns[:20])}",
        where=address,
        do=f"Call the column {role}.",
    )


def _is_squad(columns: Sequence[Column]) -> bool:
    return any(column.name == "data" and column.kind == "nested" for column in columns)


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


def _beside(events: str) -> str:
    """Returns RecBole's table of the items of its events."""
    items = re.sub(r"\.inter\b", ".item", events)
    if items != events and Path(items).is_file():
        return items
    raise UsageError(
        "the table of the items is missing",
        where="penjing new recommend",
        do="Give it too: --data events.csv --data items.csv, with the items' ids and texts.",
    )


def _describing(columns: Sequence[Column], key: str) -> list[str]:
    """Returns the columns that say what an item is: its title, and other texts."""
    texts = [c.name for c in columns if c.kind == "text" and c.name != key and not c.is_address]
    titles = named(texts, "title")
    texts.sort(key=lambda name: name not in titles)
    return texts[:_MOST_COLUMNS] or [key]


def _label_columns(columns: Sequence[Column], text: str, address: str) -> list[str]:
    rest = [column for column in columns if column.name != text]
    called_so = named([column.name for column in rest], "labels")
    if called_so:
        return called_so[:1]
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
