from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penjing.errors import PenjingError, RecipeError, UsageError
from penjing.pipeline.check import check_measurable, check_out, check_runnable
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.text.vocabulary import Cutting

BERT = {"family": "bert", "shape": {"max_position_embeddings": 32}}


def recipe(**sections: Any) -> Recipe:
    return check_recipe({"name": "r", "data": {"path": "x.csv"}, "model": {"family": "lstm"}, **sections}, "r")


@pytest.mark.parametrize(
    ("sections", "paragraph"),
    [
        ({"task": "sentimnt"}, 'task is "sentimnt", which is not known. Did you mean "sentiment"'),
        ({"model": {}}, r'\[model\] names no family. Write family = "bert", "llama", "lstm" or "t5"'),
        ({"model": {"family": "brt"}}, r'\[model\] family is "brt", which is not known. Did you mean "bert"'),
        ({"model": {"family": "lstm", "shape": {"hiden_size": 3}}}, 'Did you mean "hidden_size"'),
        ({"model": {"family": "lstm", "shape": {"hidden_size": -3}}}, "hidden_size is -3"),
        ({"model": {"start": "no/such/folder"}}, "no/such/folder"),
        (
            {"render": {"template": "[CLS]{body}[SEP]"}},
            r'template names the column "body"; a row of \[data\] has "text"',
        ),
        ({"model": BERT, "render": {"max_tokens": 64}}, "max_tokens is 64, but the model has 32 positions"),
        ({"pretrain": {"objective": "causal"}}, r"a section \[pretrain\], but no \[corpus\]"),
        ({"vectors": {}}, r"a section \[vectors\], but no \[corpus\]"),
        ({"corpus": {"path": "no.txt"}}, r"no\.txt"),
        (
            {"pretrain": {"objective": "masked"}},
            r'objective is "masked", which lstm cannot learn. It can learn: causal',
        ),
        (
            {"model": BERT, "render": {"max_tokens": 16}, "pretrain": {"objective": "masked", "window_tokens": 64}},
            "window_tokens is 64, but the model has 32 positions",
        ),
        (
            {"pretrain": {"objective": "causal", "window_tokens": 64, "batch_tokens": 32}},
            "window_tokens is 64, more than the batch_tokens 32",
        ),
        ({"model": {"family": "qwen2"}}, r'reads every qwen2 by a tokenizer .* Write \[tokenizer\] kind = "bpe"'),
        (
            {"model": {"family": "qwen2"}, "tokenizer": {"kind": "bpe", "strip_tags": True}},
            "without guards and strip_tags",
        ),
        ({"finetune": {"device": "cuda:99"}}, r"r, \[finetune\] device: .*cuda:99"),
        ({"finetune": {"device": "mps"}}, r"r, \[finetune\] device: .*Use auto, cpu or cuda"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_any_data_is_read(sections: dict[str, Any], paragraph: str) -> None:
    with pytest.raises(PenjingError, match=paragraph) as refused:
        check_runnable(recipe(**sections))
    assert refused.value.exit_code == 2


def test_rejoin_has_no_sense_in_a_language_model() -> None:
    document: dict[str, Any] = {
        "corpus": {"path": "x.txt"},
        "model": {"family": "lstm"},
        "pretrain": {"objective": "causal"},
        "render": {"rejoin": True},
    }
    with pytest.raises(PenjingError, match=r"rejoin is for rows of \[data\], and there are none") as refused:
        check_runnable(check_recipe(document, "r"))
    assert refused.value.exit_code == 2


def test_a_qwen_takes_a_given_tokenizer_only_if_it_cuts_as_qwens_do(tmp_path: Path) -> None:
    settings = TokenizerSettings(kind="bpe", vocab_size=400)
    cuttings: tuple[Cutting, ...] = ("qwen", "own")
    for cutting in cuttings:
        (tmp_path / cutting).mkdir()
        train_tokenizer([["a text 很好"]], settings, 0, cutting).save(tmp_path / cutting)
    given = {"model": {"family": "qwen2"}, "tokenizer": {"start": str(tmp_path / "qwen")}}
    check_runnable(recipe(**given))
    with pytest.raises(PenjingError, match=r"the one in \[tokenizer\] start would be read as other tokens"):
        check_runnable(recipe(**{**given, "tokenizer": {"start": str(tmp_path / "own")}}))


def test_models_of_names_are_tried_before_any_data_is_read(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    (tmp_path / "texts.txt").write_text("a text\n")
    personal = {"action": "mask", "kinds": ["person"], "models": {"en": "en_no_model"}}
    with pytest.raises(UsageError, match=r"\[corpus.personal\] models: .*python -m spacy download en_no_model"):
        check_runnable(recipe(corpus={"path": str(tmp_path / "texts.txt"), "personal": personal}))


def test_vectors_over_a_model_that_is_given_are_refused(tmp_path: Path, small_run: Any) -> None:
    (tmp_path / "texts.txt").write_text("a text\n")
    given = {"model": {"start": str(small_run.model)}, "corpus": {"path": str(tmp_path / "texts.txt")}, "vectors": {}}
    with pytest.raises(PenjingError, match=r"\[vectors\] would overwrite the embeddings of \[model\] start"):
        check_runnable(recipe(**given))


def test_shape_that_does_not_fit_the_start_is_refused_and_others_are_taken(
    small_run: Any, small_bert_run: Any, writing_start: Any
) -> None:
    bert, lstm = (str(run.model) for run in (small_bert_run, small_run))
    llama, t5 = (str(writing_start(family)) for family in ("llama", "t5"))
    writing = {"task": "translate"}
    for start, shape, more, fits in (
        (bert, {"hidden_size": 64}, {}, False),
        (bert, {"num_hidden_layers": 2}, {}, False),
        (bert, {"max_position_embeddings": 16}, {}, False),
        (bert, {"pooling": "mean", "hidden_dropout_prob": 0.3}, {}, True),
        (lstm, {"hidden_size": 8}, {}, False),
        (lstm, {}, {}, True),
        (llama, {"intermediate_size": 8}, {}, False),
        (llama, {"intermediate_size": 8}, writing, False),
        (llama, {"rope_theta": 500.0}, writing, True),
        (t5, {"d_ff": 8}, writing, False),
        (t5, {"dropout_rate": 0.2}, writing, True),
        (t5, {"num_layers": 2}, {}, False),
    ):
        short = {"max_tokens": 10, **({"max_target_tokens": 10} if more else {})}
        made = recipe(model={"start": start, "shape": shape}, render=short, **more)
        if fits:
            check_runnable(made)
            continue
        with pytest.raises(
            RecipeError, match=r"r: \[model.shape\] makes another network than that of the start"
        ) as refused:
            check_runnable(made)
        assert refused.value.exit_code == 2


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penjing.pipeline.check.find_spec", lambda name: None)
    with pytest.raises(PenjingError, match=r'rjieba.*pip install "penjing\[zh\]"'):
        check_runnable(recipe(tokenizer={"kind": "word", "words": {"segment": True}}))


def test_what_fits_passes() -> None:
    check_runnable(recipe())


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_out(tmp_path / "new" / "folder")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="is a file, not a folder"):
            check_out(out)


def test_recipe_without_rows_to_measure_on_is_refused(tmp_path: Path) -> None:
    for name in ("reviews.csv", "measured.csv"):
        (tmp_path / name).touch()
    split = {"train": 0.9, "validation": 0.1, "test": 0}
    data = {"path": str(tmp_path / "reviews.csv"), "split": split}
    with pytest.raises(PenjingError, match="there is no test file, and its share of the rows is 0"):
        check_measurable(recipe(data=data))
    check_measurable(recipe(data={**data, "test": str(tmp_path / "measured.csv")}))


def test_run_is_not_put_in_the_place_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("")
    check_out(tmp_path)  # a folder with other things is fine, as long as none of them would be replaced
    (tmp_path / "model").mkdir()
    with pytest.raises(UsageError, match="model is there already, and no run has made it"):
        check_out(tmp_path)
    (tmp_path / "stages").mkdir()
    check_out(tmp_path)
