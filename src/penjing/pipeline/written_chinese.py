"""Whether a model writes Chinese with a tokenizer that joins it by rules of ours, which its evaluation rests on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from penjing.files import read_json
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import ContinuationRecipe, WritingRecipe, WrittenAnswerRecipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.text.closing import CLOSING_VERSION

_WRITING = (ContinuationRecipe, MultiRecipe, WritingRecipe, WrittenAnswerRecipe)
_READ = frozenset({"text", "question", "document", "source"})  # columns that nobody writes, where there are others
_HAN = r"\p{Han}"  # to Arrow's regular expressions


def writing_rules(recipe: Recipe, folders: Mapping[str, Path]) -> dict[str, int]:
    """Returns the version of the rules by which Chinese is joined, where what is measured was written by them.

    Args:
        recipe: of the run.
        folders: of the stages ``data`` and ``finetune``, as far as they are done.

    Returns:
        Nothing of any other model, so that it keeps the evaluations that it has.
    """
    if not isinstance(recipe, _WRITING) or not {"data", "finetune"} <= folders.keys():
        return {}
    is_joined = _joins_words(folders["finetune"] / "model" / "tokenizer.json")
    return {"closing": CLOSING_VERSION} if is_joined and _has_chinese(folders["data"]) else {}


def _joins_words(tokenizer: Path) -> bool:
    decoder = read_json(tokenizer).get("decoder") if tokenizer.is_file() else None
    return isinstance(decoder, dict) and decoder.get("type") == "WordPiece"


def _has_chinese(data: Path) -> bool:
    """Whether anything that is to be written for the test rows holds a Chinese character."""
    return any(_holds_chinese(file) for file in sorted(data.rglob("test.parquet")))


def _holds_chinese(file: Path) -> bool:
    with pq.ParquetFile(file) as rows:
        texts = [field.name for field in rows.schema_arrow if _is_text(field.type)]
        written = [name for name in texts if name not in _READ] or [name for name in texts if name == "text"]
        for batch in rows.iter_batches(columns=written):
            for column in batch.columns:
                values = column.flatten() if pa.types.is_list(column.type) else column
                if pc.any(pc.match_substring_regex(values, _HAN)).as_py():
                    return True
    return False


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_list(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
