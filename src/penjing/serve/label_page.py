"""The page of ``penjing data label``: one file, with its style and its script in it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.data.labels.questions import assign_keys
from penjing.pipeline.report.report import page_style
from penjing.pipeline.report.strings import STRINGS, Language
from penjing.pipeline.report.wording import Wording

_FOLDER = Path(__file__).parent
_SCRIPT_WORDS = (
    "label_progress",
    "label_skipped",
    "label_present",
    "label_suspected",
    "label_answer",
    "label_rows",
    "label_lost",
    "label_nothing_to_undo",
)


@dataclass(frozen=True)
class LabelPage:
    """What is served.

    Attributes:
        html: all of it.
        policy: what alone a browser may run and load in it (Content-Security-Policy).
    """

    html: str
    policy: str


def render_label_page(name: str, labels: Sequence[str], language: Language) -> LabelPage:
    """Returns the page.

    Args:
        name: of the file whose texts are labelled.
        labels: to choose from.
        language: ``en`` or ``zh``.
    """
    style = page_style()["style"] + (_FOLDER / "label_page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "label_page.js").read_text(encoding="utf-8")
    keys = assign_keys(labels)
    words = {key: STRINGS[language][key] for key in _SCRIPT_WORDS}
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("label_page.html.jinja").render(
        w=Wording(language),
        name=name,
        keyed=list(keys.items()),
        style=Markup(style),
        script=Markup(script),
        # In a script element only </ and <!-- could end or change what is read.
        facts=Markup(json.dumps({"keys": keys, "words": words}, ensure_ascii=False).replace("<", "\\u003c")),
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return LabelPage(html, policy)


def _hash(part: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
