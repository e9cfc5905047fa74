"""Recipes by the kind of rows that their task learns from."""

from penjing.pipeline.recipe_kinds.answers import AnswerRecipe, question_data
from penjing.pipeline.recipe_kinds.choice import RECIPES, recipe_class, recipe_classes
from penjing.pipeline.recipe_kinds.continuation import ContinuationRecipe, GenerationEvaluateSettings, continuation_data
from penjing.pipeline.recipe_kinds.dialogue import (
    DialogueEvaluateSettings,
    DialogueRecipe,
    DialogueWriteSettings,
    dialogue_data,
)
from penjing.pipeline.recipe_kinds.items import ItemFinetuneSettings, ItemModelSettings, ItemRecipe
from penjing.pipeline.recipe_kinds.labels import (
    LabelRecipe,
    MultilabelRecipe,
    check_names,
    labelled_data,
    learn_names,
    multilabel_data,
)
from penjing.pipeline.recipe_kinds.practicing import practicing, practicing_room
from penjing.pipeline.recipe_kinds.preference import PreferenceRecipe, ReplyPreferenceRecipe, TextPreferenceRecipe
from penjing.pipeline.recipe_kinds.taught import (
    asking_teachers,
    batch_teaching,
    change_unlabelled,
    distilling,
    own_generations,
    trained_teachers,
)
from penjing.pipeline.recipe_kinds.writing import WritingRecipe, paired_data
from penjing.pipeline.recipe_kinds.written_answers import WrittenAnswerRecipe

__all__ = [
    "RECIPES",
    "AnswerRecipe",
    "ContinuationRecipe",
    "DialogueEvaluateSettings",
    "DialogueRecipe",
    "DialogueWriteSettings",
    "GenerationEvaluateSettings",
    "ItemFinetuneSettings",
    "ItemModelSettings",
    "ItemRecipe",
    "LabelRecipe",
    "MultilabelRecipe",
    "PreferenceRecipe",
    "ReplyPreferenceRecipe",
    "TextPreferenceRecipe",
    "WritingRecipe",
    "WrittenAnswerRecipe",
    "asking_teachers",
    "batch_teaching",
    "change_unlabelled",
    "check_names",
    "continuation_data",
    "dialogue_data",
    "distilling",
    "labelled_data",
    "learn_names",
    "multilabel_data",
    "own_generations",
    "paired_data",
    "practicing",
    "practicing_room",
    "question_data",
    "recipe_class",
    "recipe_classes",
    "trained_teachers",
]
