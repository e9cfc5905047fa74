"""Recipes whose rows are prompts with two answers each."""

from __future__ import annotations

from pydantic import model_validator

from penjing.data.preference_settings import PreferenceData, ReplyPreferenceData
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.recipe_kinds.dialogue import DialogueWriteSettings
from penjing.tasks.write_settings import WriteSettings
from penjing.text.dialogue_renderer import DialogueRendererSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.train.preference_settings import PreferenceFinetuneSettings


class PreferenceRecipe(GeneratingRecipe):
    """A recipe whose rows are prompts with two answers each, of which one was preferred."""

    data: PreferenceData | None = None
    finetune: PreferenceFinetuneSettings = PreferenceFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @property
    def pairs(self) -> PreferenceData:
        """``[data]``, which such a recipe has."""
        assert self.data is not None
        return self.data

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()

    @model_validator(mode="after")
    def _starts_from_a_model(self) -> PreferenceRecipe:
        if self.model.start is None:
            raise ValueError(
                "preferences are learned by a model that writes already, and [model] names no start; "
                'write start = "runs/NAME/model" there'
            )
        for name in ("corpus", "vectors", "pretrain", "explain"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{name}] has no sense for a task that goes on with a model as it is")
        if self.finetune.lora is not None and self.finetune.lora.base is not None:
            raise ValueError(
                "[finetune.lora] has a base in fewer bits, and preferences are measured against the model as it was"
            )
        return self


class TextPreferenceRecipe(PreferenceRecipe):
    """A recipe whose rows are texts with two answers each."""

    render: PairRendererSettings = PairRendererSettings()

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (("template", "text", self.render.template), ("target", "target", self.render.target))


class ReplyPreferenceRecipe(PreferenceRecipe):
    """A recipe whose rows are dialogues with two replies each."""

    data: ReplyPreferenceData | None = None
    render: DialogueRendererSettings = DialogueRendererSettings()
    write: DialogueWriteSettings = DialogueWriteSettings()

    @property
    def has_dialogues(self) -> bool:
        return True
