"""The words of the report, in English and Chinese. Both have the same keys and the same gaps to fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

from penjing.errors import UsageError
from penjing.pipeline.report.adapters_chinese import ADAPTERS_CHINESE
from penjing.pipeline.report.adapters_english import ADAPTERS_ENGLISH
from penjing.pipeline.report.answers_chinese import ANSWERS_CHINESE
from penjing.pipeline.report.answers_english import ANSWERS_ENGLISH
from penjing.pipeline.report.chinese import CHINESE
from penjing.pipeline.report.dialogue_chinese import DIALOGUE_CHINESE
from penjing.pipeline.report.dialogue_english import DIALOGUE_ENGLISH
from penjing.pipeline.report.english import ENGLISH
from penjing.pipeline.report.few_chinese import FEW_CHINESE
from penjing.pipeline.report.few_english import FEW_ENGLISH
from penjing.pipeline.report.generation_chinese import GENERATION_CHINESE
from penjing.pipeline.report.generation_english import GENERATION_ENGLISH
from penjing.pipeline.report.kinds_chinese import KINDS_CHINESE
from penjing.pipeline.report.kinds_english import KINDS_ENGLISH
from penjing.pipeline.report.labels_chinese import LABELS_CHINESE
from penjing.pipeline.report.labels_english import LABELS_ENGLISH
from penjing.pipeline.report.multi_chinese import MULTI_CHINESE
from penjing.pipeline.report.multi_english import MULTI_ENGLISH
from penjing.pipeline.report.names_chinese import NAMES_CHINESE
from penjing.pipeline.report.names_english import NAMES_ENGLISH
from penjing.pipeline.report.practice_chinese import PRACTICE_CHINESE
from penjing.pipeline.report.practice_english import PRACTICE_ENGLISH
from penjing.pipeline.report.preference_chinese import PREFERENCE_CHINESE
from penjing.pipeline.report.preference_english import PREFERENCE_ENGLISH
from penjing.pipeline.report.ranking_chinese import RANKING_CHINESE
from penjing.pipeline.report.ranking_english import RANKING_ENGLISH
from penjing.pipeline.report.taught_chinese import TAUGHT_CHINESE
from penjing.pipeline.report.taught_english import TAUGHT_ENGLISH
from penjing.pipeline.report.tokenizer_chinese import TOKENIZER_CHINESE
from penjing.pipeline.report.tokenizer_english import TOKENIZER_ENGLISH
from penjing.pipeline.report.tune_chinese import TUNE_CHINESE
from penjing.pipeline.report.tune_english import TUNE_ENGLISH
from penjing.pipeline.report.words_chinese import WORDS_CHINESE
from penjing.pipeline.report.words_english import WORDS_ENGLISH
from penjing.pipeline.report.writing_chinese import WRITING_CHINESE
from penjing.pipeline.report.writing_english import WRITING_ENGLISH

Language = Literal["en", "zh"]

_PARTS: tuple[tuple[Mapping[str, str], Mapping[str, str]], ...] = (
    (ENGLISH, CHINESE),
    (TOKENIZER_ENGLISH, TOKENIZER_CHINESE),
    (LABELS_ENGLISH, LABELS_CHINESE),
    (WORDS_ENGLISH, WORDS_CHINESE),
    (ADAPTERS_ENGLISH, ADAPTERS_CHINESE),
    (FEW_ENGLISH, FEW_CHINESE),
    (NAMES_ENGLISH, NAMES_CHINESE),
    (TAUGHT_ENGLISH, TAUGHT_CHINESE),
    (PRACTICE_ENGLISH, PRACTICE_CHINESE),
    (WRITING_ENGLISH, WRITING_CHINESE),
    (KINDS_ENGLISH, KINDS_CHINESE),
    (TUNE_ENGLISH, TUNE_CHINESE),
    (ANSWERS_ENGLISH, ANSWERS_CHINESE),
    (DIALOGUE_ENGLISH, DIALOGUE_CHINESE),
    (RANKING_ENGLISH, RANKING_CHINESE),
    (PREFERENCE_ENGLISH, PREFERENCE_CHINESE),
    (GENERATION_ENGLISH, GENERATION_CHINESE),
    (MULTI_ENGLISH, MULTI_CHINESE),
)


def _join(parts: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Returns all words; a key that two parts have would say in one report what is meant for another."""
    joined: dict[str, str] = {}
    for part in parts:
        twice = joined.keys() & part.keys()
        assert not twice, f"words are said twice: {', '.join(sorted(twice))}"
        joined |= part
    return joined


STRINGS: Mapping[Language, Mapping[str, str]] = {
    "en": _join(english for english, _ in _PARTS),
    "zh": _join(chinese for _, chinese in _PARTS),
}


def check_language(name: str) -> Language:
    """Returns a language by its name.

    Raises:
        UsageError: there is no such language.
    """
    if name not in ("en", "zh"):
        raise UsageError(f'there is no language "{name}"', where="--lang", do="Use en or zh.")
    return cast("Language", name)
