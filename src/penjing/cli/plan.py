"""``penjing plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.plan_recipe import say_drawn, say_unused, unused
from penjing.cli.plan_teachers import say_taught, taught
from penjing.cli.progress import TerminalProgress
from penjing.data.questions import COUNTED

_OF_EVENTS = ("left_out", "items_left_out", "items", "users", "short_users", "ties", "cold")
_EVENTS_LEFT_OUT = {
    "filtered": "by where",
    "removed": "of removed users",
    "unknown_items": "of unknown items",
    "without_text": "of items without text",
    "repeats": "repeating an item of the user",
    "duplicates": "duplicates",
}

if TYPE_CHECKING:
    from penjing.pipeline.plan import Plan, PlannedStage


_LEFT_OUT = {
    "filtered": "by where",
    "empty": "without text",
    "unlabelled": "without a label",
    "unknown": "for a label that is not among those named",
    "unknown_labels": "labels that are not among those named (their rows stay)",
    "removed": "by their ids",
    "broken": "that break the rules of dialogues",
    "equal": "with two answers that are the same",
    "duplicates": "duplicates",
    "overlap": "also in another split",
    "containing": "that contain a validation or test text",
}

_OF_PART = ("tokens", "cut_tokens", "cut_rows", "not_learned")


def show_plan(recipe_file: Path, out: Path | None, overrides: list[str], *, as_json: bool) -> None:
    """Shows what a recipe would do and what that would take."""
    from penjing.pipeline.local_data import use_local_data
    from penjing.pipeline.recipe_file import load_recipe

    progress = TerminalProgress(log_console())
    recipe = use_local_data(load_recipe(recipe_file, overrides), progress)
    folder = out or Path("runs") / recipe.name
    with progress.stopping_on_signals():
        from penjing.pipeline.plan import make_plan  # brings torch, which a wrong recipe need not wait for

        plan = make_plan(recipe, folder, progress)
    if as_json:
        print_json(_document(plan, folder))
    else:
        _show(plan, folder)


def _document(plan: Plan, out: Path) -> dict[str, Any]:
    data = plan.facts("data")
    return {
        "out": str(out),
        "seconds": round(plan.seconds, 1),
        "peak_memory_mb": plan.peak_memory_mb,
        "parameters": _trained(plan).get("parameters"),
        **_adapters(plan),
        "rows": {split: counts["rows"] for split, counts in plan.facts("data").get("splits", {}).items()},
        **_left_out(plan),
        **{key: told for key in ("drawn", "described") if (told := plan.facts("data").get(key))},
        **({"head": head} if (head := _trained(plan).get("head")) else {}),
        **({"ngrams": ngrams} if (ngrams := _trained(plan).get("ngrams")) else {}),
        **taught(plan),
        "tokens": _count_tokens(plan),
        **({"parts": parts} if (parts := _count_parts(plan)) else {}),
        **_answer_counts(plan),
        **{key: data[key] for key in _OF_EVENTS if key in data},
        "corpus_share": round(plan.corpus_share, 4),
        **_corpus_left_out(plan),
        **unused(plan),
        "stages": [
            {
                "name": stage.name,
                "done": stage.is_done,
                "seconds": round(stage.seconds, 1),
                "peak_memory_mb": stage.peak_memory_mb,
                "device_memory_mb": _on_card(stage),
            }
            for stage in plan.stages
        ],
    }


def _count_parts(plan: Plan) -> dict[str, Any]:
    """Returns the rows of each part, its share of what is learned from, and its tokens; nothing without parts."""
    parts = {}
    for name, part in plan.facts("examples").get("parts", {}).items():
        splits = part["splits"]
        parts[name] = {
            "rows": {split: counts["rows"] for split, counts in splits.items()},
            "share": round(part["share"], 4),
            "rows_an_epoch": part["rows_an_epoch"],
            **{key: sum(counts.get(key, 0) for counts in splits.values()) for key in _OF_PART},
        }
    return parts


def _part_lines(plan: Plan) -> list[str]:
    return [
        f"Part    {name}: {', '.join(f'{rows:,} {split}' for split, rows in part['rows'].items())}; "
        f"{part['share']:.1%} of what is learned from, {part['rows_an_epoch']:,} rows an epoch; "
        f"{part['cut_tokens']:,} tokens of {part['cut_rows']:,} rows cut"
        + (f"; {count:,} questions not learned, their answers are not in what is read" if count else "")
        for name, part in _count_parts(plan).items()
        for count in [part["not_learned"]]
    ]


def _answer_counts(plan: Plan) -> dict[str, Any]:
    """Returns what was counted of answers, and the windows; nothing where rows are no questions."""
    data, splits = plan.facts("data"), plan.facts("examples").get("splits", {}).values()
    if "apart" not in data:
        return {}
    counted = {name: data[name] for name in COUNTED}
    names = [name for name in ("off_borders", "not_learned", "windows") if all(name in split for split in splits)]
    counted |= {name: sum(split[name] for split in splits) for name in names}
    return {"answers": counted}


def _on_card(stage: PlannedStage) -> int | None:
    """Returns the memory of a card that a stage will take, in MB; None where it takes none, or is done."""
    memory: int | None = None if stage.is_done else stage.facts.get("device_memory_mb")
    return memory


def _trained(plan: Plan) -> dict[str, Any]:
    """Returns the facts of the training that makes the model of the run."""
    return plan.facts("finetune") or plan.facts("pretrain")


def _adapters(plan: Plan) -> dict[str, Any]:
    """Returns how many weights are trained, and their share; nothing where that is all of them."""
    lora = _trained(plan).get("lora", {})
    return {key: lora[key] for key in ("trained_parameters", "trained_share") if key in lora}


def _left_out(plan: Plan) -> dict[str, Any]:
    """Returns what is left out, duplicates with another label, and labels that are respelled; nothing without rows."""
    facts = plan.facts("data")
    if not facts:
        return {}
    counts = {**facts, **{leak: sum(facts.get(leak, {}).values()) for leak in ("overlap", "containing")}}
    return {
        "left_out": {name: counts[name] for name in _LEFT_OUT if counts.get(name)},
        **{name: counts[name] for name in ("conflicts", "respelled") if counts.get(name)},
    }


def _say_left_out(plan: Plan) -> list[str]:
    found = _left_out(plan)
    lines = []
    if found.get("left_out"):
        parts = {name: f"{count:,} {_LEFT_OUT[name]}" for name, count in found["left_out"].items()}
        if found.get("conflicts"):
            parts["duplicates"] += f" ({found['conflicts']:,} with another label)"
        lines.append(f"Left out {', '.join(parts.values())}")
    if found.get("respelled"):
        lines.append(f"Labels  {found['respelled']:,} spelled in another way, taken for the same")
    without = sum(counts.get("without", 0) for counts in plan.facts("data")["splits"].values())
    return [*lines, f"Labels  none in {without:,} rows, which are kept"] if without else lines


def _count_tokens(plan: Plan) -> dict[str, int | None]:
    examples = plan.facts("examples")
    corpus = {"corpus": plan.facts("shards").get("tokens")}
    if not examples:
        counted = plan.facts("pretrain")
        named = {"held_out_left_out": "held_out_left_out_tokens", "twice": "twice_tokens"}
        more = {name: counted[fact] for name, fact in named.items() if fact in counted}
        return {**corpus, "left_out": counted.get("left_out_tokens"), **more}
    splits = examples["splits"].values()
    if "texts" in examples:
        return {"cut": examples["texts"]["cut_tokens"], **_count_items(plan)}
    return {
        **corpus,
        "labelled": sum(split["tokens"] for split in splits),
        "cut": sum(split["cut_tokens"] for split in splits),
        "rows_cut": sum(split["cut_rows"] for split in splits),
        **{key: examples[key] for key in ("max_tokens", "max_target_tokens", "max_question_tokens") if key in examples},
        **_count_replies(examples),
    }


def _count_replies(examples: dict[str, Any]) -> dict[str, int]:
    """Returns how many replies there are, and those that are learned nowhere; nothing where rows are no dialogues."""
    splits = examples["splits"].values()
    if not all("exchanges" in split for split in splits):
        return {}
    return {"replies": sum(s["exchanges"] for s in splits), "replies_left_out": sum(s["left_out"] for s in splits)}


def _count_items(plan: Plan) -> dict[str, int | None]:
    """Returns how much of items' texts and of test histories is not read."""
    examples = plan.facts("examples")
    test = examples["splits"]["test"]
    return {
        "texts_cut": examples["texts"]["cut_rows"],
        "items_cut": test["cut_items"],
        "histories_cut": test["cut_rows"],
        **{key: examples[key] for key in ("max_tokens", "max_items")},
    }


def _item_lines(plan: Plan) -> list[str]:
    """Returns what is left out of events and items, and what is not read of them."""
    data, tokens = plan.facts("data"), _count_tokens(plan)
    left_out = [f"{count:,} {_EVENTS_LEFT_OUT[reason]}" for reason, count in data["left_out"].items() if count]
    items = [f"{count:,} {_EVENTS_LEFT_OUT[reason]}" for reason, count in data["items_left_out"].items() if count]
    cold = data["cold"]
    return [
        f"Items   {data['items']:,} of {data['items_read']:,} rows" + (f" ({', '.join(items)})" if items else ""),
        f"Users   {data['users']:,}, of whom {data['short_users']:,} have too few events to be asked",
        f"Left out {', '.join(left_out) or 'no event'}",
        f"Ties    {data['ties']:,} events at the time of the user's one before stay in the order of the file",
        *([f"Cold    {cold['items']:,} items with {cold['events']:,} events are not learned"] if cold["items"] else []),
        f"Cut     {tokens['cut']:,} tokens of {tokens['texts_cut']:,} texts longer than {tokens['max_tokens']} tokens, "
        f"{tokens['items_cut']:,} items of {tokens['histories_cut']:,} histories longer than {tokens['max_items']}",
    ]


def _show(plan: Plan, out: Path) -> None:
    from penjing.pipeline.notes import note_stage

    table = Table(box=None)
    for heading in ("stage", "", "time", "memory", ""):
        table.add_column(heading, justify="right" if heading in ("time", "memory") else "left")
    for stage in plan.stages:
        time = "done" if stage.is_done else _duration(stage.seconds)
        table.add_row(
            stage.name,
            "✓" if stage.is_done else "→",
            time,
            f"{stage.peak_memory_mb:,} MB",
            note_stage(stage.name, stage.facts, "en"),
        )
    console = result_console()
    console.print(table)
    for line in _summary(plan, out):
        console.print(line, soft_wrap=True)


def _summary(plan: Plan, out: Path) -> list[str]:
    tokens, trained = _count_tokens(plan), _trained(plan)
    lines = ["", f"Model   {trained['family']}, {trained['parameters']:,} parameters"]
    if adapters := _adapters(plan):
        count, share, lora = adapters["trained_parameters"], adapters["trained_share"], trained["lora"]
        base = f", on a base held in {lora['base']}" if "base" in lora else ""
        lines.append(f"Trained {count:,} ({share:.2%} of that): adapters of rank {lora['rank']} and the head{base}")
    lines += [*_head(trained), *_ngrams(trained), *say_taught(plan)]
    if "items_cut" in tokens:
        rows = plan.facts("data")["splits"]
        lines.append("Rows    " + ", ".join(f"{counts['rows']:,} {split}" for split, counts in rows.items()))
        lines += _item_lines(plan)
    elif "cut" in tokens:
        rows = plan.facts("data")["splits"]
        lines += [
            "Rows    " + ", ".join(f"{counts['rows']:,} {split}" for split, counts in rows.items()),
            *_say_left_out(plan),
            *_part_lines(plan),
            *say_drawn(plan),
            *_say_names(plan),
            _cut(tokens),
            *_answers(plan),
        ]
    else:
        lines.append(_windows(tokens, trained))
    if found := _corpus_left_out(plan).get("corpus_left_out"):
        equal, containing = found.values()
        lines.append(f"Corpus  left out {equal:,} that are validation or test rows, {containing:,} that contain one")
    if plan.corpus_share < 1:
        lines.append(f"Corpus  reckoned from {plan.corpus_share:.0%} of it")
    lines += say_unused(plan)
    if all(stage.is_done for stage in plan.stages):
        lines.append("Time    none: everything is done")
    else:
        lines.append(f"Time    about {_duration(plan.seconds)}, up to {plan.peak_memory_mb:,} MB of memory")
        on_card = max((memory for stage in plan.stages if (memory := _on_card(stage))), default=None)
        if on_card is not None:
            lines.append(f"Card    up to {on_card:,} MB of its memory")
    lines.append(f"Out     {out}")
    return lines


def _windows(tokens: dict[str, int | None], trained: dict[str, Any]) -> str:
    """Returns how much of the corpus is read."""
    held_out, twice = tokens.get("held_out_left_out"), tokens.get("twice")
    return (
        f"Tokens  {tokens['corpus']:,} in the corpus, {trained['tokens']:,} to be read; "
        f"{tokens['left_out']:,} at the end fill no window"
        + (f", {held_out:,} of the held-out texts" if held_out else "")
        + (f"; {twice:,} are read twice an epoch, to fill its last batch" if twice else "")
    )


def _head(trained: dict[str, Any]) -> list[str]:
    """Returns how the head is fitted; nothing where it is trained with the network."""
    if "head" not in trained:
        return []
    head, contrastive = trained["head"], trained["head"]["contrastive"]
    before = f"contrast in {contrastive['steps']:,} steps, then " if contrastive else ""
    return [f"Adapted by {before}a head over the vectors of {head['rows']:,} rows"]


def _ngrams(trained: dict[str, Any]) -> list[str]:
    """Returns what is fitted to answer beside the network; nothing where it answers alone."""
    if "ngrams" not in trained:
        return []
    return [f"Beside  n-grams of at most {trained['ngrams']['length']} tokens; validation rows choose their share"]


def _say_names(plan: Plan) -> list[str]:
    """Returns which names are scored, and the examples before a text; nothing where a head scores labels."""
    examples = plan.facts("examples")
    names = examples.get("names")
    if names is None:
        return []
    shown = ", ".join(f'"{word}" for {label}' for label, word in names["words"].items())
    lines = [f"Names   {shown}; {'learned' if names['train'] else 'not learned: the model stays as it is'}"]
    if names["examples"]:
        splits = examples["splits"].values()
        dropped = sum(split["dropped"] for split in splits)
        wanted = dropped + sum(split["examples"] for split in splits)
        chosen = "by similarity" if names["by"] == "similarity" else "drawn"
        lines.append(
            f"Context {names['examples']} examples before a text, {chosen}; {dropped:,} of {wanted:,} have no room"
        )
    return lines


def _corpus_left_out(plan: Plan) -> dict[str, Any]:
    """Returns how many texts of the corpus are measured on, and how many contain one; nothing without any."""
    found = {name: plan.facts("corpus").get(name, 0) for name in ("in_evaluation", "containing_evaluation")}
    return {"corpus_left_out": found} if any(found.values()) else {}


def _answers(plan: Plan) -> list[str]:
    """Returns what was found of the answers of questions; nothing where rows are no questions."""
    counted = _answer_counts(plan).get("answers")
    if counted is None:
        return []
    is_found = "windows" in counted  # in the text, else it is written
    more = (
        f"{counted['off_borders']:,} off token borders"
        if is_found
        else f"{counted['not_learned']:,} questions not learned, their answers are not in what is read"
    )
    return [
        *([f"Windows {counted['windows']:,}"] if is_found else []),
        f"Answers {counted['unanswerable']:,} questions without one, {counted['absent']:,} with none in their text; "
        f"references: {counted['byte_offsets']:,} at byte offsets, {counted['moved']:,} moved, "
        f"{counted['several_places']:,} in several places, {counted['apart']:,} not in their text; "
        f"{more}",
    ]


def _cut(tokens: dict[str, int | None]) -> str:
    if "replies" not in tokens:
        return f"Cut     {tokens['cut']:,} tokens of {tokens['rows_cut']:,} rows longer than {_longest(tokens)}"
    return (
        f"Windows of {tokens['max_tokens']:,} tokens: {tokens['rows_cut']:,} see not all that was said before; of "
        f"{tokens['replies']:,} replies {tokens['replies_left_out']:,} fit into none"
    )


def _longest(tokens: dict[str, int | None]) -> str:
    """Returns the longest row that is not cut, with the settings that say so where something is."""
    if "max_question_tokens" in tokens:
        return f"{tokens['max_question_tokens']} tokens in the question"
    keys = [key for key in ("max_tokens", "max_target_tokens") if key in tokens]
    longest = " tokens, or than ".join(str(tokens[key]) for key in keys)
    what = " in what is to be written" if len(keys) > 1 else ""
    return f"{longest} tokens{what}" + (f" ([render] {', '.join(keys)})" if tokens["cut"] else "")


def _duration(seconds: float) -> str:
    """Returns 8 s, 2 min 05 s, 3 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    return f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60:02d} min"
