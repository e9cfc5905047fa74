"""The words of the report, in English and Chinese. Both have the same keys and the same gaps to fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from penjing.errors import UsageError
from penjing.pipeline.report.adapters_chinese import ADAPTERS_CHINESE
from penjing.pipeline.report.adapters_english import ADAPTERS_ENGLISH
from penjing.pipeline.report.chinese import CHINESE
from penjing.pipeline.report.english import ENGLISH
from penjing.pipeline.report.labels_chinese import LABELS_CHINESE
from penjing.pipeline.report.labels_english import LABELS_ENGLISH
from penjing.pipeline.report.ranking_chinese import RANKING_CHINESE
from penjing.pipeline.report.ranking_english import RANKING_ENGLISH
from penjing.pipeline.report.words_chinese import WORDS_CHINESE
from penjing.pipeline.report.words_english import WORDS_ENGLISH
from penjing.pipeline.report.writing_chinese import WRITING_CHINESE
from penjing.pipeline.report.writing_english import WRITING_ENGLISH

Language = Literal["en", "zh"]

STRINGS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        **{**ENGLISH, **LABELS_ENGLISH, **WORDS_ENGLISH, **ADAPTERS_ENGLISH, **WRITING_ENGLISH},
        **RANKING_ENGLISH,
    },
    "zh": {
        **{**CHINESE, **LABELS_CHINESE, **WORDS_CHINESE, **ADAPTERS_CHINESE, **WRITING_CHINESE},
        **RANKING_CHINESE,
    },
}


def check_language(name: str) -> Language:
    """Returns a language by its name.

    Raises:
        UsageError: there is no such language.
    """
    if name not in ("en", "zh"):
        raise UsageError(f'there is no language "{name}"', where="--lang", do="Use en or zh.")
    return cast("Language", name)
