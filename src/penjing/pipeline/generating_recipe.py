"""What recipes have in common whose models write."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.recipe import Recipe
from penjing.tasks.sample_settings import SampleSettings
from penjing.tasks.write_settings import WriteSettings


class GeneratingRecipe(Recipe):
    """A recipe whose model writes; ``[write]`` says how."""

    write: WriteSettings | SampleSettings = WriteSettings()

    @property
    def answering(self) -> dict[str, Any]:
        return {"write": self.write.model_dump(mode="json")}

    @property
    def generation(self) -> dict[str, Any]:
        return self.write.generation
