"""Chat templates: how the hub's models say which words are whose, in Jinja, as Transformers renders them.

The environment is that of ``apply_chat_template`` (Transformers, documentation "Chat templates"): a sandbox, blocks
trimmed, ``break`` and ``continue``, ``raise_exception``, ``strftime_now``, ``tojson`` that leaves characters of HTML as
they are, and a block ``generation`` around what the assistant says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from penjing.data.messages import Message
from penjing.errors import DataError, ModelFolderError
from penjing.files import read_json, write_json, write_text

CHAT_TEMPLATE = "chat_template.jinja"
MARKS = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
#: The template of dialogues where a model brings none: each turn between two tokens that no text becomes.
DEFAULT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] not in ['system', 'user', 'assistant'] -%}
{{- raise_exception('the role ' ~ message['role'] ~ ' is not known') -}}
{%- endif -%}
{{- '<|' ~ message['role'] ~ '|>' -}}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{- message['content'] ~ '<|end|>' -}}{%- endgeneration -%}
{%- else -%}
{{- message['content'] ~ '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""

_CONFIG = "tokenizer_config.json"
_NAMED = "chat_template"
#: What a faulty template may raise while it renders.
_FAULTS = (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


class ChatTemplate:
    """A template, ready to render.

    Args:
        source: in Jinja.
        tokens: special tokens by role, which it may name, such as ``bos_token``.
        where: names it in errors.

    Raises:
        ModelFolderError: it is no Jinja.
    """

    def __init__(self, source: str, tokens: Mapping[str, str], where: str = CHAT_TEMPLATE) -> None:
        self.source, self.where = source, where
        self._tokens = dict(tokens)
        try:
            self._template = _environment().from_string(source)
        except TemplateSyntaxError as error:
            raise ModelFolderError(
                f"the chat template is no Jinja (line {error.lineno}: {error.message})",
                where=where,
                do="Copy it again from its origin.",
            ) from error

    def render(self, messages: Sequence[Message], *, asks: bool = False, **more: Any) -> str:
        """Returns a dialogue as text.

        Args:
            messages: in order.
            asks: whether the assistant is to speak next (``add_generation_prompt``).
            more: what else the template may name, such as ``tools``.

        Raises:
            DataError: the template refuses the dialogue.
        """
        given = {"tools": None, "documents": None, **self._tokens, **more}
        try:
            return self._template.render(
                messages=[message.to_dict() for message in messages], add_generation_prompt=asks, **given
            )
        except _FAULTS as error:
            raise DataError(
                f"the chat template refuses the dialogue ({error})",
                where=self.where,
                do="Change the dialogue to what the template asks for, or choose another model.",
            ) from error


class _Generation(Extension):
    """The block ``generation``; what stands in it is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _format_now
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _format_now(layout: str) -> str:
    return datetime.now().strftime(layout)


def read_chat_template(folder: Path) -> ChatTemplate | None:
    """Returns the chat template of a model folder; None where it has none.

    A file ``chat_template.jinja`` comes before the entry ``chat_template`` of ``tokenizer_config.json``, also where the
    two differ, as in Transformers 5. The entry is the template itself, or a list of named ones, of which ``default`` is
    taken, or the only one.

    Raises:
        ModelFolderError: the template is no Jinja, or none of several is the default.
    """
    config = _read_config(folder / _CONFIG)
    tokens = {key: _content(value) for key, value in config.items() if key.endswith("_token")}
    named = {key: text for key, text in tokens.items() if text is not None}
    path = folder / CHAT_TEMPLATE
    if path.is_file():
        return ChatTemplate(_read_file(path), named, str(path))
    source = _choose(config.get(_NAMED), folder / _CONFIG)
    return None if source is None else ChatTemplate(source, named, f"{folder / _CONFIG}, chat_template")


def write_chat_template(folder: Path, source: str) -> None:
    """Writes a chat template into a model folder, beside its tokenizer; what stood there before is replaced.

    It stands in ``chat_template.jinja``, which Transformers 5 reads, and as the entry ``chat_template`` of
    ``tokenizer_config.json``, which older tools read. Special tokens in a rendered text are then read as such.
    """
    write_text(folder / CHAT_TEMPLATE, source)
    config = _read_config(folder / _CONFIG)
    write_json(folder / _CONFIG, {**config, _NAMED: source, "split_special_tokens": False})


def settle_chat_template(folder: Path) -> None:
    """Makes both places of a copied folder's chat template say what `read_chat_template` reads.

    Named templates of ``tokenizer_config.json`` stay where their default is that of the file. Without a file they are
    not written into one, in whose presence Transformers reads no others.

    Raises:
        ModelFolderError: the file or the config cannot be read.
    """
    path, config = folder / CHAT_TEMPLATE, _read_config(folder / _CONFIG)
    value = config.get(_NAMED)
    if path.is_file():
        source = _read_file(path)
        is_named = isinstance(value, list) and {"name": "default", "template": source} in value
        if value != source and not is_named:
            write_json(folder / _CONFIG, {**config, _NAMED: source})
    elif isinstance(value, str):
        write_text(path, value)


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelFolderError("this is no UTF-8", where=str(path), do="Copy it again.") from error


def _choose(value: Any, path: Path) -> str | None:
    """Returns the template that an entry of ``tokenizer_config.json`` holds."""
    if value is None or isinstance(value, str):
        return value
    try:
        named = {str(entry["name"]): str(entry["template"]) for entry in value}
    except (TypeError, KeyError) as error:
        raise ModelFolderError("chat_template is neither a text nor a list", where=str(path), do=_COPY) from error
    if len(named) == 1:
        return next(iter(named.values()))
    if "default" not in named:
        raise ModelFolderError(
            f"of the chat templates {', '.join(named)} none is called default",
            where=str(path),
            do=f"Put the one that is to be used into {CHAT_TEMPLATE}.",
        )
    return named["default"]


_COPY = "Copy the file again from its origin."


def _content(value: Any) -> str | None:
    found = value.get("content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = read_json(path)
    except ValueError as error:
        raise ModelFolderError(f"this is not JSON ({error})", where=str(path), do=_COPY) from error
    return config if isinstance(config, dict) else {}
