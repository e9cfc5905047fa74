"""A model in a server: what it can do, and its parts, each loaded when it is first asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import penjing
from penjing.errors import DataError, ModelFolderError, UsageError
from penjing.files import read_json
from penjing.hashing import hash_json
from penjing.inference.decoding.draft_model import check_tokens, check_vocabulary
from penjing.models.interface import open_config
from penjing.models.llama import is_llama
from penjing.models.weights import CONFIG, read_config
from penjing.serve.batcher import Batcher
from penjing.serve.settings import ServeSettings
from penjing.tasks.card import CARD
from penjing.text.chat_template import read_chat_template
from penjing.text.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from penjing.inference.embedding import TextEncoder
    from penjing.serve.writing import TextService
    from penjing.tasks.model import Model
    from penjing.tasks.prompt_loading import Prompters

Part = TypeVar("Part")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ModelFacts:
    """What a model folder says of itself, without its weights.

    Attributes:
        folder: where it lies.
        stamp: another one whenever a file of it changed.
        card: its ``penjing.json``; empty for a model from elsewhere.
        family: of its network.
        task: what it was fine-tuned for; None: nothing.
        writes: whether the decoding engine goes on with its texts, token by token: a decoder of the Llama family.
        chats: whether its folder also says how dialogues are laid out.
        embeds: whether it makes vectors of texts.
        created: when its weights were written, in seconds since 1970.
    """

    folder: Path
    stamp: str
    card: dict[str, Any]
    family: str
    task: str | None
    writes: bool
    chats: bool
    embeds: bool
    created: int


def read_facts(folder: Path) -> ModelFacts:
    """Reads what a model folder says of itself.

    Raises:
        ModelFolderError: a file is missing or broken, or the family is not known.
    """
    stamp = stamp_folder(folder)
    values = read_config(folder)
    architecture, config = open_config(values, folder / CONFIG)
    written = config.class_name("language") if architecture.writes_text else ""
    writes = is_llama(architecture) and written in (values.get("architectures") or [written])
    card = _read_card(folder)
    task = card.get("task")
    return ModelFacts(
        folder,
        stamp,
        card,
        architecture.name,
        task if isinstance(task, str) else None,
        writes=writes,
        chats=writes and read_chat_template(folder) is not None,
        embeds="masked" in architecture.objectives,
        created=int((folder / CONFIG).stat().st_mtime),
    )


def read_checked(settings: ServeSettings, name: str) -> ModelFacts:
    """Returns the facts of a model that is to be served, after its draft was checked.

    Raises:
        UsageError: the draft cannot suppose its tokens.
        ModelFolderError: a file is missing or broken.
    """
    facts = read_facts(settings.folders[name])
    if facts.writes and isinstance(settings.draft, Path):
        check_draft(settings.draft, facts.folder, name)
    return facts


def check_draft(draft: Path, folder: Path, name: str) -> None:
    """Refuses a model that cannot suppose the tokens of another, before either is loaded.

    Args:
        draft: folder of the model that is to run ahead.
        folder: of the model that writes.
        name: what clients call that.

    Raises:
        UsageError: it is no decoder of the Llama family, or has other tokens.
        ModelFolderError: a file is missing or broken.
    """
    if not read_facts(draft).writes:
        raise UsageError(
            f"{draft} is no decoder of the Llama family, and cannot run ahead of {name}",
            where="--draft",
            do="Give a smaller decoder that was trained with the same tokenizer, or lookup.",
        )
    try:
        check_vocabulary(*(open_config(read_config(model), model / CONFIG)[1].vocab_size for model in (draft, folder)))
        check_tokens(load_tokenizer(draft), load_tokenizer(folder))
    except UsageError as error:
        what = f"{draft} cannot run ahead of {name}: {error.what}"
        raise UsageError(what, where="--draft", do=error.do) from error


def stamp_folder(folder: Path) -> str:
    """Returns what changes whenever a file below a folder is written, added, removed or replaced."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            found.append([path.relative_to(folder).as_posix(), state.st_size, state.st_mtime_ns, state.st_ino])
    return hash_json(found)


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = read_json(path) if path.is_file() else {}
    except ValueError:
        return {}
    return card if isinstance(card, dict) else {}


class ServedModel:
    """A model under the name that clients call it by.

    Args:
        name: that.
        facts: of its folder.
        settings: of the server.
        batcher: computes what its task model and its vectors are asked for.
        loading: where parts are loaded.

    Attributes:
        users: requests that use it now.
        last_used: when one last began or ended, in seconds of `time.monotonic`.
        retired: whether it is to be closed once nobody uses it.
    """

    def __init__(
        self, name: str, facts: ModelFacts, settings: ServeSettings, batcher: Batcher, loading: Executor
    ) -> None:
        self.name, self.facts, self.batcher = name, facts, batcher
        self.users, self.last_used, self.retired = 0, time.monotonic(), False
        self._settings, self._loading = settings, loading
        self._parts: dict[str, asyncio.Task[Any]] = {}

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.facts.folder

    @property
    def card(self) -> dict[str, Any]:
        """Its ``penjing.json``; empty for a model from elsewhere."""
        return self.facts.card

    @property
    def mark(self) -> str:
        """Another one whenever its files changed, as clients are told it."""
        return f"fp_{self.facts.stamp[:12]}"

    @property
    def loaded(self) -> list[str]:
        """Names of the parts that are in memory."""
        return [name for name, part in self._parts.items() if part.done() and _worked(part)]

    async def task_model(self) -> Model:
        """Returns the model as `penjing.load` gives it.

        Raises:
            PenjingError: it cannot be loaded.
        """
        return await self._part("task", self._load_task)

    def _load_task(self) -> Model:
        from penjing.tasks.bounding import bound_answers
        from penjing.tasks.quickening import quicken

        model = bound_answers(penjing.load(self.folder), self._settings.limits.output_tokens)
        return quicken(model, self._settings.encoders)

    async def prompters(self) -> Prompters:
        """Returns what makes its prompts, by its card, as `penjing.load` does it; its weights are not loaded for that.

        Raises:
            PenjingError: they cannot be loaded.
        """
        from penjing.tasks.prompt_loading import load_prompters

        return await self._part("prompts", lambda: load_prompters(self.folder))

    async def text_service(self) -> TextService:
        """Returns what writes texts.

        Raises:
            PenjingError: it cannot be loaded, or this model does not write.
        """
        from penjing.serve.writing import load_task_service, load_text_service

        def load() -> TextService:
            if not self.facts.writes:
                return load_task_service(self.folder)
            return load_text_service(self.folder, self._settings, is_trained_on_texts=self.facts.task == "generate")

        return await self._part("text", load)

    @property
    def loaded_text_service(self) -> TextService | None:
        """What writes texts, where it is in memory."""
        part = self._parts.get("text")
        return part.result() if part is not None and part.done() and _worked(part) else None

    async def text_encoder(self) -> TextEncoder:
        """Returns what makes vectors of texts.

        Raises:
            PenjingError: it cannot be loaded, or this model makes none.
        """
        from penjing.inference.embedding import load_encoder

        return await self._part("vectors", lambda: load_encoder(self.folder))

    async def predict(self, rows: list[Any]) -> list[Any]:
        """Returns what the task model predicts for rows, together with those of other requests of the same moment.

        Raises:
            PenjingError: a row cannot be answered, or the model cannot be loaded.
        """
        model = await self.task_model()
        return await self.batcher.run(("task", id(model)), model.predict, rows)

    async def compute(self, work: Callable[..., Answer], *given: Any) -> Answer:
        """Does work that keeps the processor busy, after what other requests asked for before."""
        (answer,) = await self.batcher.run(object(), lambda _: [work(*given)], [None])
        return answer

    async def load_like(self, other: ServedModel) -> None:
        """Loads the parts that another has in memory.

        Raises:
            PenjingError: one cannot be loaded.
        """
        load: dict[str, Callable[[], Awaitable[Any]]] = {
            "task": self.task_model,
            "prompts": self.prompters,
            "text": self.text_service,
            "vectors": self.text_encoder,
        }
        for name in other.loaded:
            await load[name]()

    async def close(self, closing: Executor, drain_s: float) -> None:
        """Lets go of all parts.

        Args:
            closing: where what writes is closed, which may take as long.
            drain_s: so long at most it completes what it has begun, and is told to stop then.
        """
        ends = time.monotonic() + drain_s
        parts, self._parts = self._parts, {}
        if parts:
            await asyncio.wait(parts.values())
        text = parts.get("text")
        if text is not None and _worked(text):
            rest_s = max(0.0, ends - time.monotonic())
            await asyncio.get_running_loop().run_in_executor(closing, text.result().close, rest_s)

    async def _part(self, name: str, load: Callable[[], Part]) -> Part:
        """Returns a part; whoever asks first has it loaded, the others wait, and a failure is tried anew."""
        part = self._parts.get(name)
        if part is None or (part.done() and not _worked(part)):
            part = asyncio.get_running_loop().create_task(self._load(load))
            self._parts[name] = part
        loaded: Part = await asyncio.shield(part)
        return loaded

    async def _load(self, load: Callable[[], Part]) -> Part:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._loading, load)
        except (DataError, UsageError) as error:  # of whoever set the server up: no client is to blame
            raise ModelFolderError(error.what, where=error.where, do=error.do) from error


def _worked(part: asyncio.Task[Any]) -> bool:
    return not part.cancelled() and part.exception() is None
