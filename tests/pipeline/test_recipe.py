from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import RecipeError, SettingsError
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe, load_recipe, shipped_recipes

LEAST = '[data]\npath = "rows.csv"\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.toml"
    path.write_text(LEAST, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("finetune.epochs=5", "finetune", "epochs", 5),
        ("finetune.epochs = 0.5", "finetune", "epochs", 0.5),
        ('model.family="bert"', "model", "family", "bert"),
        ("model.family=bert", "model", "family", "bert"),
        ("model.shape.hidden_size=64", "model", "shape", {"hidden_size": 64}),
        ("tokenizer.lowercase=false", "tokenizer", "lowercase", False),
        ("data.path=a b=c.csv", "data", "path", "a b=c.csv"),
        ("data.labels=['a', 'b']", "data", "labels", ("a", "b")),
        ("corpus.path=texts.txt", "corpus", "path", "texts.txt"),
    ],
)
def test_override_is_toml_or_plain_text(recipe: Path, override: str, section: str, key: str, value: object) -> None:
    assert getattr(getattr(load_recipe(recipe, [override]), section), key) == value


def test_last_override_counts(recipe: Path) -> None:
    assert load_recipe(recipe, ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("override", "paragraph"),
    [
        ("finetune.epochs", r'--set: "finetune.epochs" is no setting.*--set finetune.epochs=5'),
        ("=5", "is no setting"),
        ("name.first=x", r'"name" is a value, not a section|unknown key|name is'),
        ("finetune.epoch=5", r'unknown key \[finetune\] epoch. Did you mean "epochs"'),
        ("fintune.epochs=5", 'unknown key fintune. Did you mean "finetune"'),
        ("model.shape=3", r"\[model\] shape is 3"),
        ("finetune.epochs=0", r"\[finetune\] epochs is 0: it should be greater than 0"),
        (
            "name=my reviews",
            r"name is 'my reviews': it should be letters, digits, _, - and dots.*--out takes any folder",
        ),
        ("name=..", r"name is '\.\.': .* not dots alone"),
        ("name=.", r"name is '\.': .* not dots alone"),
        ("finetune.epochs=many", r"\[finetune\] epochs is 'many'"),
    ],
)
def test_wrong_override_is_refused(recipe: Path, override: str, paragraph: str) -> None:
    with pytest.raises(RecipeError, match=paragraph):
        load_recipe(recipe, [override])


def test_several_complaints_stand_in_one_paragraph() -> None:
    with pytest.raises(RecipeError) as refused:
        check_recipe({"data": {"path": 3, "pth": "x"}, "seed": -1, "nam": "x", "modle": {}}, "r.toml")
    said = str(refused.value)
    assert said.startswith("r.toml: ")
    assert "There are 2 more." in said
    assert "\n" not in said


def test_recipe_without_anything_to_learn_from_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"r\.toml: there is neither \[data\] .* nor \[pretrain\]"):
        check_recipe({}, "r.toml")


@pytest.mark.parametrize(
    ("key", "shown"), [("task", "task"), ("finetune", r"\[finetune\]"), ("explain", r"\[explain\]")]
)
def test_recipe_of_a_language_model_has_nothing_of_labelled_rows(key: str, shown: str) -> None:
    language = {"corpus": {"path": "texts.txt"}, "pretrain": {}}
    assert check_recipe(language, "r.toml").task is None
    with pytest.raises(RecipeError, match=f"{shown} is for labelled rows"):
        check_recipe({**language, key: "classify" if key == "task" else {}}, "r.toml")


def test_task_of_labelled_rows_is_to_classify_where_none_is_named(recipe: Path) -> None:
    assert load_recipe(recipe).task == "classify"


def test_shipped_recipes_are_valid_and_go_by_name() -> None:
    assert "quickstart" in shipped_recipes()
    for name in shipped_recipes():
        assert load_recipe(Path(name)).name == name


def test_file_comes_before_a_shipped_recipe_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").write_text(LEAST, encoding="utf-8")
    assert load_recipe(Path("quickstart")).data.path == "rows.csv"


def test_folder_of_data_does_not_hide_the_shipped_recipe_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thucnews").mkdir()
    assert load_recipe(Path("thucnews")).name == "thucnews"


def test_settings_cannot_be_changed_on_the_way() -> None:
    recipe: Recipe = check_recipe({"data": {"path": "x.csv"}}, "r.toml")
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]


def test_optional_section_is_left_out_by_none(recipe: Path) -> None:
    with_corpus = ["corpus.path=texts.txt", "pretrain.epochs=2"]
    assert load_recipe(recipe, with_corpus).pretrain is not None
    assert load_recipe(recipe, [*with_corpus, "pretrain=none"]).pretrain is None
    with pytest.raises(RecipeError, match="finetune is 'none'"):
        load_recipe(recipe, ["finetune=none"])


def test_section_inside_another_is_left_out_by_none() -> None:
    assert load_recipe(Path("sst2-minilm")).finetune.distill is not None  # type: ignore[union-attr]
    assert load_recipe(Path("sst2-minilm"), ["finetune.distill=none"]).finetune.distill is None  # type: ignore[union-attr]
    assert load_recipe(Path("sst2-lstm"), ["finetune.distill=none"]).finetune.distill is None  # type: ignore[union-attr]
    with pytest.raises(RecipeError, match="batch_rows is 'none'"):
        load_recipe(Path("sst2-lstm"), ["finetune.batch_rows=none"])


def test_data_left_out_takes_what_is_for_labelled_rows_with_it() -> None:
    made = load_recipe(Path("sst2-minilm"), ["data=none", "corpus.path=texts.txt", "pretrain.epochs=1"])
    assert made.data is made.task is made.explain is None


def test_sentinels_that_leave_no_entries_are_refused(recipe: Path) -> None:
    with pytest.raises(RecipeError, match="vocab_size 300 leaves fewer than 300 entries beside 1000 sentinels"):
        load_recipe(recipe, ["tokenizer.vocab_size=300", "tokenizer.sentinels=1000"])


@pytest.mark.parametrize(
    ("task", "setting", "told"),
    [
        ("sentiment", "finetune.both_sides=true", r"\[finetune\] both_sides is for the task chat, and not for"),
        ("chat", "finetune.ngrams=2", r"\[finetune\] ngrams is for the tasks .*classify.* and not for"),
        ("classify", "write.beams=3", "write is for the tasks .*summarize, translate, and not for"),
        ("translate", "data.answer=x", r"\[data\] answer is for the task answer, and not for"),
        ("sentiment", "finetune.epoch=3", 'unknown key .*epoch. Did you mean "epochs"'),
    ],
)
def test_setting_of_other_tasks_is_refused_with_their_names(tmp_path: Path, task: str, setting: str, told: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(f'name = "r"\ntask = "{task}"\n[data]\npath = "x.csv"\n[model]\nfamily = "llama"\n')
    with pytest.raises(RecipeError, match=told):
        load_recipe(file, [setting])


def test_number_that_may_be_missing_is_left_out_by_none() -> None:
    assert load_recipe(Path("chnsenticorp"), ["finetune.ngrams=none"]).finetune.ngrams is None  # type: ignore[union-attr]
    assert load_recipe(Path("sst2-lstm"), ["finetune.learning_rate=none"]).finetune.learning_rate is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            {"tokenizer": {"kind": "word", "guards": True}},
            "this is word. Leave guards out, or choose one of",
        ),
        ({"data": {"path": "x", "labels": ["a"]}}, "two different labels. Add those that are missing."),
        ({"data": {"path": "x", "text": "a", "label": "a"}}, 'both the column "a". Name two columns.'),
        ({"data": None}, "so nothing would be made. Add one of them."),
        ({"tune": {"seed": [1, 1]}}, "names a value twice. Leave one out."),
        ({"data": {"path": "x", "encoding": "utf-9"}}, "is no encoding. Write utf-8,"),
    ],
)
def test_settings_that_cannot_be_say_what_to_do(document: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_recipe({"name": "x", "data": {"path": "x.csv"}, "model": {"family": "bert"}, **document}, "r.toml")
    assert said in str(caught.value)
    assert pickle.loads(pickle.dumps(SettingsError("a", "Do b."))).do == "Do b."
