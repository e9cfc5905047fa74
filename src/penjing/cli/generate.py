"""``penjing generate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.cli.output import print_json, visible
from penjing.errors import UsageError
from penjing.files import read_json
from penjing.inference.sampling_settings import SamplingSettings

if TYPE_CHECKING:
    from penjing.inference.decoding.constraints import GrammarConstraint
    from penjing.inference.generation import TextGenerator


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


def show_generation(folder: Path, prompt: str, settings: SamplingSettings, form: Form, *, as_json: bool) -> None:
    """Continues or answers a text; without ``--json`` it appears as it is made."""
    from penjing.inference.generation import load_generator

    if any("\ud800" <= c <= "\udfff" for c in prompt):
        raise UsageError("the prompt is not UTF-8", do="Save or type it as UTF-8.")
    if not all(form.stop):
        raise UsageError("--stop is empty", do="Leave it out, or give the text that ends what is written.")
    schema = _read_schema(form)
    generator = load_generator(folder)
    constraint = _constrain(generator, form, schema)
    if as_json:
        print_json(asdict(generator.generate(prompt, settings, form.stop, constraint)) | {"seed": settings.seed})
        return
    has_begun = False
    try:
        for piece in generator.stream(prompt, settings, form.stop, constraint):
            sys.stdout.write(visible(prompt + piece if generator.continues and not has_begun else piece))
            sys.stdout.flush()
            has_begun = True
    finally:
        if has_begun:
            sys.stdout.write("\n")


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


def _constrain(generator: TextGenerator, form: Form, schema: Any) -> GrammarConstraint | None:
    if schema is None and form.regex is None:
        return None
    from penjing.inference.decoding.constraints import ConstraintMaker

    maker = ConstraintMaker(generator.tokenizer, generator.end_ids)
    return maker.json_schema(schema) if form.regex is None else maker.regex(form.regex)
