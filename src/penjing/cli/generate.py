"""``penjing generate``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.cli.output import print_json, visible
from penjing.errors import UsageError
from penjing.files import read_json
from penjing.inference.sampling_settings import SamplingSettings

if TYPE_CHECKING:
    from penjing.inference.continuing import Continuing
    from penjing.inference.decoding.constraints import GrammarConstraint
    from penjing.inference.native.packing import Weights


@dataclass(frozen=True)
class Form:
    """What is written, and where it ends.

    Attributes:
        stop: texts that end it.
        schema: file of a JSON schema that it keeps to.
        regex: a regular expression that matches all of it.
    """

    stop: Sequence[str] = ()
    schema: Path | None = None
    regex: str | None = None


def show_generation(
    folder: Path, prompt: str, settings: SamplingSettings, form: Form, weights: Weights | None = None, *, as_json: bool
) -> None:
    """Continues or answers a text; without ``--json`` it appears as it is made.

    Args:
        folder: of the model.
        prompt: what is continued or answered.
        settings: how tokens are chosen.
        form: what is written, and where it ends.
        weights: how the engine holds them; None: no engine, and the folder's own precision.
        as_json: whether it is shown as one JSON document.

    Raises:
        UsageError: prompt, form or settings cannot be used.
        ModelFolderError: the model does not write, or is none that the engine serves.
    """
    if any("\ud800" <= c <= "\udfff" for c in prompt):
        raise UsageError("the prompt is not UTF-8", do="Save or type it as UTF-8.")
    if not all(form.stop):
        raise UsageError("--stop is empty", do="Leave it out, or give the text that ends what is written.")
    schema = _read_schema(form)
    with _loaded(folder, weights) as generator:
        constraint = _constrain(generator, form, schema)
        if as_json:
            print_json(asdict(generator.generate(prompt, settings, form.stop, constraint)) | {"seed": settings.seed})
            return
        _show(generator.stream(prompt, settings, form.stop, constraint), prompt if generator.continues else "")


def _show(pieces: Iterator[str], beginning: str) -> None:
    """Shows pieces as they come, the first behind a beginning; that by itself where nothing is added."""
    has_begun = False
    try:
        for piece in pieces:
            sys.stdout.write(visible(piece if has_begun else beginning + piece))
            sys.stdout.flush()
            has_begun = True
        if not has_begun:
            sys.stdout.write(visible(beginning))
            has_begun = True
    finally:
        if has_begun:
            sys.stdout.write("\n")


@contextmanager
def _loaded(folder: Path, weights: Weights | None) -> Iterator[Continuing]:
    """Gives what writes: the engine where weights are named, else what reads token by token."""
    if weights is None:
        from penjing.inference.generation import load_generator

        yield load_generator(folder)
        return
    from penjing.inference.decoding.generating import load_fast_generator
    from penjing.inference.decoding.loading import EngineSettings

    generator, engine = load_fast_generator(folder, EngineSettings(weights=weights))
    try:
        yield generator
    finally:
        engine.close()


def _read_schema(form: Form) -> Any:
    """Returns the schema that is named; None where there is none.

    Raises:
        UsageError: an expression is given as well, or the file is no JSON object.
    """
    if form.schema is None:
        return None
    if form.regex is not None:
        raise UsageError("--schema and --regex were both given", do="Give one of the two.")
    try:
        schema = read_json(form.schema)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"it cannot be read ({error})", where=str(form.schema), do="Give a JSON schema.") from error
    if not isinstance(schema, dict):
        raise UsageError("this is no JSON object", where=str(form.schema), do="Give a JSON schema.")
    return schema


def _constrain(generator: Continuing, form: Form, schema: Any) -> GrammarConstraint | None:
    if schema is None and form.regex is None:
        return None
    from penjing.inference.decoding.constraints import ConstraintMaker

    maker = ConstraintMaker(generator.tokenizer, generator.end_ids)
    return maker.json_schema(schema) if form.regex is None else maker.regex(form.regex)
