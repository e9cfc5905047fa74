"""``/``: the page, its files, and what it shows of the models."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.pipeline.report.report import page_style
from penjing.pipeline.report.strings import Language
from penjing.serve.context import Context
from penjing.serve.failures import RequestError
from penjing.serve.page.facts import describe_model
from penjing.serve.page.items import find_items
from penjing.serve.page.words import PAGE_WORDS, choose_language
from penjing.serve.tasks.computing import respond
from penjing.tasks.item_model import ItemModel

router = APIRouter(tags=["page"], include_in_schema=False)
_FOLDER = Path(__file__).parent
#: What a browser may do in the page: nothing but load its own files and call this server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_FOUND = 8


@dataclass(frozen=True)
class PageFile:
    """A file that the page loads."""

    content: bytes
    kind: str
    tag: str


@lru_cache(maxsize=1)
def page_files() -> Mapping[str, PageFile]:
    """Returns the files beside the page by name; style is that of the reports, and the page's own after it."""
    found = {path.name: path.read_bytes() for path in sorted(_FOLDER.glob("*.js"))}
    found["page.css"] = page_colors().encode() + (_FOLDER / "page.css").read_bytes()
    return {
        name: PageFile(content, _KINDS[Path(name).suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        for name, content in found.items()
    }


def page_colors() -> str:
    """Returns the colors and type faces of the reports as rules of the page, where one may choose light or dark."""
    light, dark = re.findall(r":root \{([^}]*)\}", str(page_style()["style"]))[:2]
    return (
        f":root {{ color-scheme: light dark;{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n"
        f':root[data-theme="light"] {{ color-scheme: light;{light}}}\n'
        f':root[data-theme="dark"] {{ color-scheme: dark;{dark}}}\n'
    )


@lru_cache(maxsize=2)
def render_page(language: Language) -> str:
    """Returns the page in a language; it knows no models, which are asked for once it is open."""
    words = PAGE_WORDS[language]
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        words=words,
        language=language,
        html_language="zh-CN" if language == "zh" else "en",
        other="en" if language == "zh" else "zh",
        other_language="en" if language == "zh" else "zh-CN",
        # In a script element only </ and <!-- could end or change what is read.
        facts=Markup(json.dumps({"language": language, "words": words}, ensure_ascii=False).replace("<", "\\u003c")),
    )


@router.get("/")
async def show_page(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
    """The page, in the language that the address or else the browser asks for."""
    language = choose_language(lang, request.headers.get("accept-language", ""))
    headers = {**_HEADERS, "Cache-Control": "no-cache", "Vary": "Accept-Language", "Content-Language": language}
    return Response(render_page(language), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/page/files/{name}")
async def show_file(request: Request, name: str) -> Response:
    """A file of the page."""
    file = page_files().get(name)
    if file is None:
        raise RequestError(404, "The page has no such file.")
    headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": file.tag}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.kind, headers=headers)


@router.get("/v1/page/models")
def show_models(context: Context, lang: Annotated[str | None, Query()] = None) -> Response:
    """What the page says of each model, the folders that questions can be put to, and how much is written at most."""
    language = choose_language(lang, "")
    models = [describe_model(name, context.pool.peek(name).facts, language) for name in context.pool.names]
    most = context.settings.limits.output_tokens
    return respond({"models": models, "documents": list(context.shelf.names), "outputTokens": most})


@router.get("/v1/page/items")
async def show_items(
    context: Context,
    model: Annotated[str, Query(max_length=200)],
    text: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Items of a model whose texts or ids fit what was typed."""
    async with context.pool.use(model) as served:
        loaded: Any = await served.task_model()
    if not isinstance(loaded, ItemModel):
        raise RequestError(400, f"The model {model} knows no items.", param="model")
    return respond({"items": find_items(loaded.catalog, text, _FOUND)})
