"""The words of the report, in English and Chinese. Both have the same keys and the same gaps to fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from penjing.pipeline.report.chinese import CHINESE
from penjing.pipeline.report.english import ENGLISH

Language = Literal["en", "zh"]

STRINGS: Mapping[Language, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}
