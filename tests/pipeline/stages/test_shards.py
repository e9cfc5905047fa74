from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import complete_stages
from penjing.progress import Silent
from penjing.text.shards import open_shard
from penjing.text.tokenizer import load_tokenizer

STAGES = ("data", "corpus", "tokenizer", "shards")


def test_documents_are_laid_out_anew_where_rejoin_has_changed(tmp_path: Path) -> None:
    rows = [f"they do n't like number {number},{number % 2}" for number in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    texts = [f"we ca n't tell why {number} is 's" for number in range(30)]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    found: dict[str, set[str]] = {}
    for rejoin in (False, True):
        document: dict[str, Any] = {
            "data": {"path": str(tmp_path / "rows.csv")},
            "corpus": {"path": str(tmp_path / "texts.txt")},
            "tokenizer": {"kind": "bpe", "vocab_size": 300},
            "model": {"family": "lstm"},
            "pretrain": {"objective": "causal"},
            "render": {"rejoin": rejoin},
        }
        done = complete_stages(check_recipe(document, "r"), tmp_path / "out", Silent(), STAGES)
        shard, tokenizer = open_shard(done["shards"].folder / "texts"), load_tokenizer(done["tokenizer"].folder)
        found[str(rejoin)] = {tokenizer.decode(shard.row(row).tolist()) for row in range(shard.rows)}
    assert all(" n't " in text for text in found["False"])
    assert not any(" n't " in text for text in found["True"])
