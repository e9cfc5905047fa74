"""One model learns several tasks; each is measured, asked and reported as if it stood alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pipeline.several_tasks import make_document
from typer.testing import CliRunner

import penjing
from penjing.cli.main import app
from penjing.data.mixed import read_mixed
from penjing.errors import Interrupted, RecipeError, UsageError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.kinds.parts import _parts
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.run import RunResult, complete_stages, run_recipe
from penjing.pipeline.samples import show_rows
from penjing.progress import Silent
from penjing.tasks.choosing_model import ChoosingModel
from penjing.tasks.document_answers import DocumentReader, as_answering
from penjing.tasks.multi_model import MultiModel
from penjing.tasks.passage_index import index_folder, read_document_text
from penjing.train.history import read_history


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return make_document(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def run(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    recipe = check_recipe(document, "test")
    return run_recipe(recipe, tmp_path_factory.mktemp("several") / "run", Silent(), ["penjing", "run", "several.toml"])


@pytest.fixture(scope="module")
def model(run: RunResult) -> MultiModel:
    found = penjing.load(run.model, "cpu")
    assert isinstance(found, MultiModel)
    return found


def changed(document: dict[str, Any], *keys: str, to: Any) -> dict[str, Any]:
    """Returns a recipe in which one value is another."""
    other = copy.deepcopy(document)
    section = other
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = to
    return other


def test_every_part_has_its_scores_and_its_baselines(run: RunResult) -> None:
    parts = run.evaluation["parts"]
    assert set(parts["translate"]["baselines"]) == {"copy", "dictionary"}
    assert set(parts["mood"]["baselines"]) == {"majority", "tfidf-logistic"}
    assert set(parts["ask"]["scores"]) == {"f1", "exact_match"}
    card = read_json(run.model / "penjing.json")["parts"]
    assert {name: part["scores"] for name, part in card.items()} == {n: p["scores"] for n, p in parts.items()}


def test_a_label_is_as_probable_as_its_name_is_to_be_written(model: MultiModel) -> None:
    mood = model.part("mood")
    assert isinstance(mood, ChoosingModel)
    (answer,) = mood.predict_texts(["red dog cat tree"])
    translate: Any = model.part("translate")
    (prompt,) = mood.renderer.render_rows([{"text": "red dog cat tree"}])
    import torch

    network = translate.writer._network
    with torch.no_grad():
        read = network.encode(torch.tensor([prompt.ids]), None)
        chances = []
        for label in mood.labels:
            (written,) = mood.renderer.render_written([label])
            ids = torch.tensor([[network.decoder_start_id, *written.ids]])
            logits = network.score(network.decode(ids[:, :-1], read, None)).log_softmax(-1)
            chances.append(float(logits[0].gather(1, ids[0, 1:, None]).sum()))
    shares = np.exp(chances) / np.exp(chances).sum()
    assert list(answer.probabilities.values()) == pytest.approx(shares.tolist(), rel=1e-4)


def test_validation_is_measured_part_by_part(run: RunResult) -> None:
    record = next(
        row for row in read_history(run.artifacts["finetune"].folder / "history.jsonl") if "validation_loss" in row
    )
    losses = [record[f"validation_loss.{name}"] for name in ("translate", "mood", "ask")]
    assert record["validation_loss"] == pytest.approx(sum(losses) / 3)


def test_a_text_that_one_part_is_measured_on_is_learned_by_none(document: dict[str, Any], tmp_path: Path) -> None:
    from penjing.pipeline.kinds import kind_of

    shared = changed(document, "parts", "mood", "data", "path", to=str(tmp_path / "mood.csv"))
    pairs = Path(document["parts"]["translate"]["data"]["path"]).read_text(encoding="utf-8").splitlines()[1:]
    lines = [f"{line.split(',')[0]},{int('red' in line)}" for line in pairs]
    (tmp_path / "mood.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    (tmp_path / "data").mkdir()
    recipe = check_recipe(shared, "test")
    counts = kind_of(recipe).build_data(recipe, tmp_path / "data", Silent())
    texts = {
        split: {
            row["text"]
            for name in ("translate", "mood")
            for rows in read_mixed(tmp_path / "data", split, name)
            for row in rows
        }
        for split in ("train", "validation", "test")
    }
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert sum(counts["between_parts"].values()) > 0


def test_a_text_that_contains_one_of_another_part_is_not_learned(document: dict[str, Any], tmp_path: Path) -> None:
    from penjing.pipeline.kinds import kind_of

    texts = [f"a red dog and a green house {number:02}" for number in range(40)]
    around = [f"so {text} he said,{number % 2}" for number, text in enumerate(texts)]
    files = {"translate": ["text,target", *(f"{text},ja" for text in texts)], "mood": ["text,label", *around]}
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
        document = changed(document, "parts", name, "data", "path", to=str(tmp_path / f"{name}.csv"))
    (tmp_path / "data").mkdir()
    recipe = check_recipe(document, "test")
    counts = kind_of(recipe).build_data(recipe, tmp_path / "data", Silent())
    measured = [
        row["text"]
        for split in ("validation", "test")
        for rows in read_mixed(tmp_path / "data", split, "translate")
        for row in rows
    ]
    learned = [row["text"] for rows in read_mixed(tmp_path / "data", "train", "mood") for row in rows]
    assert learned
    assert not any(text in other for text in measured for other in learned)
    assert counts["between_parts"]["mood"] == counts["containing"]["train"] > 0
    assert len(learned) == counts["parts"]["mood"]["splits"]["train"]["rows"] - counts["between_parts"]["mood"]


def test_a_killed_run_goes_on_to_the_same_weights(document: dict[str, Any], run: RunResult, tmp_path: Path) -> None:
    class Stops(Silent):
        asked = 0

        def should_stop(self) -> bool:
            steps = [p for p in tmp_path.glob("run/stages/finetune-*.part/checkpoints/*") if "step" in p.name]
            return bool(steps) and not self.asked

        def say(self, text: str) -> None:
            self.asked += "going on" in text

    recipe = check_recipe(changed(document, "finetune", "checkpoint_every_s", to=0), "test")
    stopper = Stops()
    with pytest.raises(Interrupted):
        run_recipe(recipe, tmp_path / "run", stopper, ["test"])
    again = run_recipe(recipe, tmp_path / "run", Silent(), ["test"])
    assert (again.model / "model.safetensors").read_bytes() == (run.model / "model.safetensors").read_bytes()


def test_another_order_of_the_parts_changes_nothing(document: dict[str, Any], run: RunResult) -> None:
    parts = dict(reversed(document["parts"].items()))
    other = check_recipe(changed(document, "parts", to=parts), "test")
    assert isinstance(other, MultiRecipe)
    examples = run.artifacts["examples"].folder
    rows = read_json(examples / "parts.json")["rows"]
    assert [(part.name, part.rows) for part in _parts(other, examples, "train")] == [
        (name, rows[name]["train"]) for name in document["parts"]
    ]
    stages = ("data", "tokenizer", "examples", "finetune")
    assert all(done.skipped for done in complete_stages(turn_dial(other), run.out, Silent(), stages).values())


def test_the_command_line_asks_and_measures_a_part(run: RunResult, document: dict[str, Any]) -> None:
    def call(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    model, mood = str(run.model), document["parts"]["mood"]["data"]["path"]
    assert set(call("predict", model, "--part", "mood", "red dog")[0]["probabilities"]) == {"negative", "positive"}
    assert "written" in call("predict", model, "--part", "translate", "red dog")[0]
    assert "answer" in call("predict", model, "--part", "ask", "what is first?", "--context", "cat tree")[0]
    assert "accuracy" in call("evaluate", model, mood, "--part", "mood", "--resamples", "100")["scores"]
    asked = document["parts"]["ask"]["data"]["path"]
    assert "f1" in call("evaluate", model, asked, "--part", "ask", "--resamples", "100")["scores"]


def test_a_part_that_writes_answers_is_asked_about_a_folder(
    run: RunResult, model: MultiModel, document: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("bm25s")
    rows = document["parts"]["ask"]["data"]["path"]
    (tmp_path / "documents").mkdir()
    for number, colour in enumerate(("red", "blue", "green")):
        (tmp_path / "documents" / f"{number}.txt").write_text(f"{colour} dog {colour} tree", encoding="utf-8")
    folder = str(tmp_path / "documents")
    asked = CliRunner().invoke(app, ["answer", str(run.model), folder, "what is red?", "--part", "ask", "--json"])
    assert asked.exit_code == 0, asked.output
    index, part = index_folder(Path(folder), Silent()), as_answering(model.part("ask"))
    for cited in json.loads(asked.stdout)["answers"]:
        text = read_document_text(Path(folder) / cited["file"])
        assert text[cited["start"] : cited["end"]] == cited["answer"] != ""
    (passage,) = index.search("red", 1)
    # What it writes to a passage is cited where it stands there, and nowhere else.
    (written,) = part.answer(["what is red?"], [passage.text])
    cited_at = [(item.answer, item.probability) for item in DocumentReader(part, index).read("what is red?", [passage])]
    assert cited_at == ([] if written.start is None else [(written.answer, written.probability)])
    scored = ["evaluate", str(run.model), rows, "--part", "ask", "--folder", folder, "--resamples", "100", "--json"]
    measured = CliRunner().invoke(app, scored)
    assert measured.exit_code == 0, measured.output
    assert {"f1", "recall_at_1"} <= json.loads(measured.stdout)["scores"].keys()
    with pytest.raises(UsageError, match="answers no questions"):
        as_answering(model.part("mood"))


def test_a_part_must_be_named_and_known(model: MultiModel) -> None:
    with pytest.raises(UsageError, match="several parts: translate, mood, ask"):
        model.predict(["red"])
    with pytest.raises(UsageError, match='no part "moods"'):
        model.part("moods")
    assert [item.text for item in model.predict(["red"], part="mood")] == ["red"]


def test_the_report_has_a_section_for_every_part(
    run: RunResult, read_page: Callable[[str], Any], document: dict[str, Any]
) -> None:
    from penjing.pipeline.facts import collect_facts
    from penjing.pipeline.outcome import Outcome
    from penjing.pipeline.report.report import render_report

    html = run.report.read_text(encoding="utf-8")
    page = read_page(html)
    for words in ("to German: {text}", "mood: {text}", "BLEU", "Accuracy", "How the tasks were mixed", "red dog"):
        assert words in page.text
    ids = [piece.split('"')[0] for piece in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    outcome = Outcome(run.artifacts, run.evaluation, [], "penjing run several.toml")
    chinese = read_page(render_report(collect_facts(check_recipe(document, "test"), outcome), "zh"))
    assert "任务如何混合" in chinese.text


def test_adapters_on_a_base_in_few_bits_are_compared_and_reported(
    run: RunResult, document: dict[str, Any], read_page: Callable[[str], Any], tmp_path: Path
) -> None:
    finetune = {**document["finetune"], "epochs": 0.1, "evaluations": 1, "lora": {"rank": 2, "base": "int8"}}
    recipe = check_recipe({**document, "model": {"start": str(run.model)}, "finetune": finetune}, "test")
    done = run_recipe(recipe, tmp_path / "run", Silent(), ["test"])
    figures = done.artifacts["finetune"].facts["lora"]["quantizing"]["validation"]["quantized"]
    shown = f"quantized {figures['validation_loss']:.4f}"
    assert shown in read_page(done.report.read_text(encoding="utf-8")).text


def test_the_first_rows_of_every_part_are_shown(document: dict[str, Any], run: RunResult) -> None:
    shown = show_rows(check_recipe(document, "test"), run.out, 1, Silent())
    assert len(shown) == 3
    begun = ["".join(token.text for token in row.tokens if token.state == "read") for row in shown]
    assert [("to German:" in begun[0]), ("mood:" in begun[1]), ("what is first? in:" in begun[2])] == [True] * 3


@pytest.mark.parametrize(
    ("keys", "to", "named"),
    [
        (("parts", "mood", "task"), "multilabel", "whose answers are not written"),
        (("parts", "mood", "task"), "sentimnt", "not known"),
        (("parts", "translate", "template"), "mood: {text}", "same template"),
        (("parts", "mood", "template"), "mood: {txt}", "must name {text}"),
        (("parts", "ask", "template"), "in: {text}", "must name {question} and {text}"),
        (("parts", "mood", "temperature"), 2, "unknown key .parts.mood. temperature"),
        (("parts", "mood", "data", "lable"), "x", 'did you mean "label"|label'),
        (("parts",), {}, "parts"),
        (("model",), {"family": "bert"}, "cannot write"),
        (("report",), {"examples": ["red"]}, "do not say of which part"),
        (("explain",), {}, "explain"),
    ],
)
def test_what_cannot_be_is_refused(document: dict[str, Any], keys: tuple[str, ...], to: Any, named: str) -> None:
    with pytest.raises(RecipeError, match=named.replace("{", r"\{").replace("}", r"\}")):
        check_runnable(check_recipe(changed(document, *keys, to=to), "test"))


def test_a_part_is_called_as_a_recipe_may_be(document: dict[str, Any]) -> None:
    part = {**document["parts"]["mood"], "template": "x {text}"}
    for name in ("影评-2.1", "Ⅳ_x²"):
        check_recipe(changed(document, "parts", name, to=part), "test")
    for name in ("my reviews", "a/b", ".."):
        with pytest.raises(RecipeError) as caught:
            check_recipe(changed(document, "parts", name, to=part), "test")
        said = f"[parts.{name}]: the name should be letters, digits, _, - and dots, and not dots alone. Choose another"
        assert said in str(caught.value)


def test_names_that_differ_only_in_case_are_refused(document: dict[str, Any]) -> None:
    twice = changed(document, "parts", "Mood", to={**document["parts"]["mood"], "template": "x {text}"})
    with pytest.raises(RecipeError, match="same name"):
        check_recipe(twice, "test")


def test_templates_that_a_tokenizer_of_words_does_not_know_are_refused(
    document: dict[str, Any], tmp_path: Path
) -> None:
    unknown = changed(document, "tokenizer", to={"kind": "word", "vocab_size": 300})
    unknown = changed(unknown, "parts", "translate", "template", to="German: {text}")  # as "mood: {text}": [UNK] :
    with pytest.raises(RecipeError, match="same tokens"):
        run_recipe(check_recipe(unknown, "test"), tmp_path / "run", Silent(), ["test"])


@pytest.mark.parametrize("page", ["multitask.md", "multitask.zh.md"])
def test_the_recipe_of_the_documentation_is_one(page: str) -> None:
    import tomllib

    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    recipe = check_recipe(tomllib.loads(text.split("```toml\n")[1].split("```")[0]), page)
    assert list(recipe.rows) == ["parts.translate.data", "parts.mood.data", "parts.ask.data"]
