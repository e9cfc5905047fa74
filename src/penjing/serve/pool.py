"""The models of a server by name: loaded when they are asked for, let go when idle, replaced under way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

from penjing.errors import PenjingError
from penjing.serve.batcher import Batcher
from penjing.serve.failures import no_model
from penjing.serve.served import ServedModel, read_checked, stamp_folder
from penjing.serve.settings import ServeSettings

_log = logging.getLogger("penjing.serve")
_LOOK_S = 1.0  # between two looks at folders and clocks
_DRAIN_S = 30.0  # for what a model that is let go has begun, which is nothing where nobody uses it
_REST_S = 4.0  # for what is told to stop to do so


class ModelPool:
    """Several models in one server.

    A folder whose files changed is loaded beside the model in use, which goes on serving until then, and after that
    finishes the requests that it began. A changed folder that cannot be loaded is logged, and the old model stays.

    Args:
        settings: folders by name, and when an idle model is let go.

    Raises:
        ModelFolderError: a folder is no model's.
        UsageError: the model that is to run ahead cannot do so for one of these.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        # A thread each: a long translation by one model does not hold up the labels of another.
        self._batchers = {name: Batcher(f"penjing-{name}") for name in settings.folders}
        self._loading = ThreadPoolExecutor(2, "penjing-load")
        self._ending = ThreadPoolExecutor(2 * len(settings.folders), "penjing-end")  # all end side by side
        self._models = {name: self._fresh(name) for name in settings.folders}
        self._refused: dict[str, str] = {}  # stamps of folders that could not be loaded
        self._seen: dict[str, str] = {}  # stamps of the last look: a folder is left alone while it is written
        self._closing: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._replacing = asyncio.Lock()
        self.left_loading = False  # whether it was closed while a changed model was loaded, which nothing can stop

    @property
    def names(self) -> list[str]:
        """What the models are called, in the order in which they were given."""
        return list(self._models)

    def peek(self, name: str) -> ServedModel:
        """Returns a model to look at its card; to ask it, `use` it.

        Raises:
            RequestError: there is no such model.
        """
        if name not in self._models:
            raise no_model(name, self.names)
        return self._models[name]

    @asynccontextmanager
    async def use(self, name: str) -> AsyncIterator[ServedModel]:
        """Gives a model that stays as it is until it is given back, whatever becomes of its folder.

        Raises:
            RequestError: there is no such model.
        """
        model = self.peek(name)
        model.users += 1
        model.last_used = time.monotonic()
        try:
            yield model
        finally:
            model.users -= 1
            model.last_used = time.monotonic()
            self._let_go(model)

    async def start(self) -> None:
        """Begins to look at folders and clocks."""
        self._watch = asyncio.get_running_loop().create_task(self._keep_watching())

    async def close(self, drain_s: float = _DRAIN_S) -> None:
        """Lets go of all models, side by side.

        Args:
            drain_s: so long at most they complete what they have begun, and are told to stop then; what cannot stop is
                left alone soon after.
        """
        self.left_loading = self._replacing.locked()
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        loop = asyncio.get_running_loop()
        ends: list[asyncio.Future[Any]] = [*self._closing]
        ends += [loop.create_task(model.close(self._ending, drain_s)) for model in self._models.values()]
        ends += [loop.run_in_executor(self._ending, batcher.close, drain_s) for batcher in self._batchers.values()]
        await asyncio.wait(ends, timeout=drain_s + _REST_S)
        for threads in (self._loading, self._ending):
            threads.shutdown(wait=False, cancel_futures=True)

    async def reload(self, *, at_once: bool = True) -> list[str]:
        """Replaces the models whose folders changed, and returns their names.

        Args:
            at_once: also those that changed just now, and may still be written to.
        """
        async with self._replacing:
            return [name for name in self.names if await self._replace(name, at_once=at_once)]

    async def unload_idle(self) -> list[str]:
        """Lets go of the models that nobody asked for in a while, and returns their names."""
        idle_s, now = self.settings.idle_s, time.monotonic()
        if idle_s is None:
            return []
        found = [
            name
            for name, model in self._models.items()
            if model.loaded and not model.users and now - model.last_used >= idle_s
        ]
        for name in found:
            old = self._models[name]
            self._put(name, ServedModel(name, old.facts, self.settings, self._batchers[name], self._loading))
            _log.info("%s is unloaded: nobody asked for it in %g s", name, idle_s)
        return found

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self.reload(at_once=False)
                await self.unload_idle()
            except Exception:  # noqa: BLE001 - it is logged, and looked again in a second
                _log.exception("looking after the models failed")

    async def _replace(self, name: str, *, at_once: bool) -> bool:
        old = self._models[name]
        loop = asyncio.get_running_loop()
        try:
            stamp = await loop.run_in_executor(self._loading, stamp_folder, old.folder)
        except OSError:  # a file went away between two looks: it is being replaced now
            return False
        settled = at_once or self._seen.get(name) == stamp
        self._seen[name] = stamp
        if not settled or stamp in (old.facts.stamp, self._refused.get(name)):
            return False
        try:
            new = await self._load_anew(name, old)
        except PenjingError as error:
            self._refused[name] = stamp
            _log.error("%s: the changed folder is not taken, the model stays as it was. %s", name, error)
            return False
        self._put(name, new)
        _log.info("%s is replaced: its folder changed", name)
        return True

    async def _load_anew(self, name: str, old: ServedModel) -> ServedModel:
        """Returns a model by its changed folder, with what the old one has in memory; where it fails nothing stays."""
        new = await asyncio.get_running_loop().run_in_executor(self._loading, self._fresh, name)
        try:
            await new.load_like(old)
        except Exception:  # not where the server ends, which waits for nothing that is loaded
            await new.close(self._ending, 0.0)
            raise
        return new

    def _fresh(self, name: str) -> ServedModel:
        facts = read_checked(self.settings, name)
        return ServedModel(name, facts, self.settings, self._batchers[name], self._loading)

    def _put(self, name: str, model: ServedModel) -> None:
        old = self._models[name]
        self._models[name] = model
        old.retired = True
        self._let_go(old)

    def _let_go(self, model: ServedModel) -> None:
        if model.retired and not model.users:
            task = asyncio.get_running_loop().create_task(model.close(self._ending, _DRAIN_S))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
