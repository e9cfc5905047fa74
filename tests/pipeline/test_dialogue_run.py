"""Dialogues go the whole path: a small decoder learns to reply, stops, and is the same in Transformers."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import penjing
from penjing.data.dialogues import read_dialogues
from penjing.data.messages import Message, read_messages, take_apart
from penjing.errors import ModelFolderError, RecipeError
from penjing.files import read_json, write_json
from penjing.inference.dialogue import load_replier
from penjing.inference.sampling import SamplingSettings
from penjing.pipeline.check import check_runnable
from penjing.pipeline.kinds.choice import KINDS
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_kinds import DialogueRecipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.pipeline.stages.examples import EXAMPLES
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.progress import Silent
from penjing.text.chat_template import DEFAULT_TEMPLATE
from penjing.text.shards import open_shard

pytest.importorskip("bm25s", reason="the baseline of dialogues is not installed")
COLORS = ("red", "blue", "green", "gray", "pink", "gold", "black", "white")
SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 64,
}


def echo(rng: random.Random, turns: int) -> list[dict[str, str]]:
    """A dialogue in which the assistant says what the user said, twice."""
    messages = []
    for _ in range(turns):
        color = rng.choice(COLORS)
        messages += [{"role": "user", "content": color}, {"role": "assistant", "content": f"{color} {color}"}]
    return messages


def recipe_in(folder: Path, **changes: Any) -> dict[str, Any]:
    rng = random.Random(0)
    rows = [{"messages": echo(rng, rng.randint(3, 5))} for _ in range(260)]
    path = folder / "chats.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return {
        "name": "echo",
        "task": "chat",
        "data": {"path": str(path), "split": {"train": 0.76, "validation": 0.1, "test": 0.14}},
        "tokenizer": {"kind": "bpe", "vocab_size": 320},
        "model": {"family": "llama", "shape": SHAPE},
        "render": {"max_tokens": 64},
        "finetune": {
            "epochs": 12,
            "evaluations": 2,
            "learning_rate": 5e-3,
            "batch_rows": 16,
            "precision": "fp32",
            "device": "cpu",
        },
        "write": {"max_tokens": 12},
        "evaluate": {"resamples": 100, "candidates": 4, "questions": 200, "mistakes": 3},
        "report": {"examples": ["blue"]},
        **changes,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("echo")
    return run_recipe(check_recipe(recipe_in(folder), "echo"), folder / "out", Silent(), ["test"])


def questions(run: RunResult) -> list[list[Message]]:
    """Test dialogues up to where the assistant is to speak."""
    found = read_dialogues(run.artifacts["data"].folder, "test")
    return [messages[: 2 * (number % 3) + 1] for number, messages in enumerate(found)][:12]


def test_what_the_user_says_is_learned_to_be_answered(run: RunResult) -> None:
    (answer,) = run.predictions
    assert (answer.text, answer.written, answer.is_complete) == ("blue", "blue blue", True)
    scores = run.evaluation["scores"]
    assert scores["retrieval_accuracy"]["low"] > 0.9
    assert scores["token_perplexity"]["value"] < 1.5
    assert run.evaluation["baselines"]["bm25"]["scores"]["retrieval_accuracy"]["value"] > 0.9
    assert set(run.evaluation["difference"]["frequent"]["retrieval_accuracy"]) == {"value", "low", "high"}


def test_replies_are_those_of_transformers_to_the_token_and_stop_where_they_do(run: RunResult) -> None:
    transformers = pytest.importorskip("transformers")
    network: Any = transformers.AutoModelForCausalLM.from_pretrained(run.model).eval()
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(run.model)
    model: Any = penjing.load(run.model, "cpu")
    asked = questions(run)
    for messages, reply in zip(asked, model.reply(asked), strict=True):
        values = [message.to_dict() for message in messages]
        ids = tokenizer.apply_chat_template(values, add_generation_prompt=True, return_dict=False)
        assert ids == model.renderer.render_prompt(messages, 12).ids
        written = network.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)))[0].tolist()[len(ids) :]
        assert written[-1] == model.renderer.end_id  # it stopped by itself
        assert tokenizer.decode(written, skip_special_tokens=True) == reply.written
        assert reply.is_complete


def test_the_folder_says_how_dialogues_are_laid_out_and_where_replies_end(run: RunResult) -> None:
    renderer: Any = penjing.load(run.model, "cpu").renderer  # type: ignore[attr-defined]
    config = read_json(run.model / "generation_config.json")
    assert config["eos_token_id"] == [renderer.end_id, renderer.tokenizer.end_id]
    assert config["max_new_tokens"] == 12
    assert (run.model / "chat_template.jinja").read_text(encoding="utf-8") == DEFAULT_TEMPLATE
    assert read_json(run.model / "tokenizer_config.json")["chat_template"] == DEFAULT_TEMPLATE
    assert read_json(run.model / "penjing.json")["render"] == {"max_tokens": 64}


def test_streamed_replies_are_the_predicted_ones_whatever_the_dialogue_s_length(run: RunResult) -> None:
    replier, model = load_replier(run.model, "cpu"), penjing.load(run.model, "cpu")
    settings = SamplingSettings(12, temperature=0.0)
    long = [message for pair in [echo(random.Random(3), 30)] for message in read_messages(pair, "x")]
    for messages in [*questions(run)[:3], [*long, Message("user", "gold")]]:
        reply = replier.reply(messages, settings)
        assert reply.text == model.reply([messages])[0].written  # type: ignore[attr-defined]
        assert (reply.dropped > 0) == (len(messages) > 20)


def test_every_reply_is_learned_and_nothing_else(run: RunResult) -> None:
    counts = run.artifacts["examples"].facts["splits"]["test"]
    dialogues = read_dialogues(run.artifacts["data"].folder, "test")
    assert counts["exchanges"] == sum(len(take_apart(messages).exchanges) for messages in dialogues)
    assert counts["left_out"] == 0
    folder = run.artifacts["examples"].folder / "test"
    shard = open_shard(folder)
    learned = [bool(byte) for byte in (folder / "learned.bin").read_bytes()]
    ids = [int(token) for token, counts_it in zip(shard.tokens, learned, strict=True) if counts_it]
    tokenizer = penjing.load(run.model, "cpu").renderer.tokenizer  # type: ignore[attr-defined]
    said = "".join(reply.content for messages in dialogues for _, reply in take_apart(messages).exchanges)
    assert tokenizer.decode(ids) == said


def test_dialogues_are_shown_as_they_are_learned(run: RunResult, tmp_path: Path) -> None:
    inputs = {name: artifact.folder for name, artifact in run.artifacts.items()}
    (row,) = KINDS["reply"].show(check_recipe(recipe_in(tmp_path), "echo"), inputs, 1)
    template = {token.text for token in row.tokens if token.is_special and token.text.startswith("<|")}
    assert template == {"<|user|>", "<|assistant|>", "<|end|>"}
    dialogue = take_apart(read_dialogues(inputs["data"], "train")[0])
    learned = "".join(token.text for token in row.tokens if token.state == "learned")
    assert learned == "".join(f"{reply.content}<|end|>" for _, reply in dialogue.exchanges)


def test_both_sides_are_learned_where_it_is_asked_and_in_training_alone(
    tmp_path: Path, read_page: Callable[[str], Any]
) -> None:
    recipe = recipe_in(tmp_path)
    recipe["finetune"] |= {"both_sides": True, "epochs": 0.1}
    result = run_recipe(check_recipe(recipe, "echo"), tmp_path / "out", Silent(), ["test"])
    examples = result.artifacts["examples"].facts
    dialogues, learned = result.artifacts["data"].facts["splits"], examples["splits"]
    train = dialogues["train"]
    assert learned["train"]["exchanges"] == 2 * train["exchanges"] - train["rows"]  # what opens one is no reply
    assert examples["other_sides"] == {"dialogues": train["rows"], "left_out": 0}
    for split in ("validation", "test"):
        assert learned[split]["exchanges"] == dialogues[split]["exchanges"]
    said = f"with the sides exchanged: {train['rows']}"
    assert said in read_page(result.report.read_text(encoding="utf-8")).text


def test_a_run_of_one_side_keeps_its_key_and_one_of_both_reads_other_examples(tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path)
    one = check_recipe(recipe, "echo")
    recipe["finetune"] |= {"both_sides": True}
    both = check_recipe(recipe, "echo")
    assert "both_sides" not in json.dumps([FINETUNE.settings(one), EXAMPLES.settings(one)])
    assert EXAMPLES.settings(one) != EXAMPLES.settings(both)


def test_a_dialogue_is_shown_from_both_sides(run: RunResult, tmp_path: Path) -> None:
    inputs = {name: artifact.folder for name, artifact in run.artifacts.items()}
    recipe = recipe_in(tmp_path)
    (one,) = KINDS["reply"].show(check_recipe(recipe, "echo"), inputs, 1)
    recipe["finetune"] |= {"both_sides": True}
    same, other = KINDS["reply"].show(check_recipe(recipe, "echo"), inputs, 1)
    assert same == one
    said = [message.content for message in read_dialogues(inputs["data"], "train")[0] if message.role == "user"]
    learned = "".join(token.text for token in other.tokens if token.state == "learned")
    assert learned == "".join(f"{content}<|end|>" for content in said[1:])


def test_messages_texts_and_dictionaries_are_answered(run: RunResult) -> None:
    model: Any = penjing.load(run.model, "cpu")
    said = [{"role": "user", "content": "pink"}]
    answers = model.predict(["pink", said, {"messages": said}, {"text": "pink"}])
    assert [answer.written for answer in answers] == ["pink pink"] * 4
    with pytest.raises(penjing.errors.UsageError, match="row 1: the assistant spoke last"):
        model.predict([[*said, {"role": "assistant", "content": "x"}]])
    pandas = pytest.importorskip("pandas")
    for asked in (pandas.Series(["pink"], name="text"), pandas.DataFrame({"text": ["pink"]})):
        assert model.predict(asked).to_dict("list") == {"text": ["pink"], "written": ["pink pink"]}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_speaks_both_languages(run: RunResult, read_page: Callable[[str], Any], language: Any) -> None:
    from penjing.pipeline.facts import collect_facts
    from penjing.pipeline.outcome import Outcome
    from penjing.pipeline.report.report import render_report

    recipe = check_recipe(recipe_in(run.out.parent), "echo")
    facts = collect_facts(recipe, Outcome(run.artifacts, run.evaluation, run.predictions, "penjing run"))
    page = read_page(render_report(facts, language))
    words = {
        "en": ("dialogue", "most frequent reply", "Right reply found"),
        "zh": ("对话", "最常见的答话", "找对的比例"),
    }
    for word in (*words[language], "BM25", "blue blue"):
        assert word in page.text


@pytest.mark.parametrize(
    ("language", "headline", "shared", "own", "of_teacher"),
    [
        (
            "en",
            "helped by a cache of what was said; guessing",
            "words that were said before",
            "share of the cache, 20.0%",
            "The teacher is helped by a cache",
        ),
        ("zh", "借助一份前文的缓存", "前文说过的词更可能再说", "缓存占 20.0%", "教师找答话时，旁边也有一份前文的缓存"),
    ],
)
def test_the_report_says_who_is_helped_by_a_cache(
    run: RunResult,
    read_page: Callable[[str], Any],
    language: Any,
    headline: str,
    shared: str,
    own: str,
    of_teacher: str,
) -> None:
    from penjing.pipeline.facts import collect_facts
    from penjing.pipeline.outcome import Outcome
    from penjing.pipeline.report.report import render_report

    recipe = check_recipe(recipe_in(run.out.parent), "echo")
    bare = {key: score for key, score in run.evaluation["scores"].items() if key != "retrieval_accuracy_alone"}
    helped = {**bare, "retrieval_accuracy_alone": bare["retrieval_accuracy"]}
    for cache, scores, taught in ((0.0, bare, bare), (0.2, helped, bare), (0.0, bare, helped), (0.2, helped, helped)):
        teacher = {"rows": 3, "scores": taught, "family": "llama", "parameters": 9}
        evaluation = {**run.evaluation, "cache": cache, "scores": scores, "teachers": {"1": teacher}}
        outcome = Outcome(run.artifacts, evaluation, run.predictions, "penjing run")
        text = read_page(render_report(collect_facts(recipe, outcome), language)).text
        assert ((shared in text) and (own in text)) == (cache > 0)
        assert (headline in text) == (cache > 0)
        assert (of_teacher in text) == (taught is helped)


def test_the_share_of_the_cache_is_kept_with_the_model_and_taken_from_there(
    run: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from penjing.cli.evaluate_dialogues import DialogueColumns, show_dialogue_scores

    card = read_json(run.model / "penjing.json")
    assert card["cache"] == run.evaluation["cache"]
    shutil.copytree(run.model, tmp_path / "other")
    given = DialogueColumns(str(run.out.parent / "chats.jsonl"), "messages", None, None)
    for share in (0.3, 0.0):
        write_json(tmp_path / "other" / "penjing.json", {**card, "cache": share})
        show_dialogue_scores(tmp_path / "other", given, None, 2, as_json=True)
        measured = json.loads(capsys.readouterr().out)
        assert measured["cache"] == share
        assert ("retrieval_accuracy_alone" in measured["scores"]) == (share > 0)
    for wrong in (2.0, -0.1, "much", None, True):
        write_json(tmp_path / "other" / "penjing.json", {**card, "cache": wrong})
        with pytest.raises(ModelFolderError, match=r"penjing.json: the entry cache"):
            show_dialogue_scores(tmp_path / "other", given, None, 2, as_json=True)


def test_a_finished_run_is_not_run_again_and_goes_on_from_its_model(run: RunResult, tmp_path: Path) -> None:
    recipe = recipe_in(run.out.parent)
    again = run_recipe(check_recipe(recipe, "echo"), run.out, Silent(), ["test"])
    assert all(artifact.skipped for artifact in again.artifacts.values())
    recipe["model"] = {"start": str(run.model)}
    recipe["finetune"] |= {"epochs": 0.1, "learning_rate": 1e-5}
    after = run_recipe(check_recipe(recipe, "echo"), tmp_path / "out", Silent(), ["test"])
    assert after.predictions[0].written == "blue blue"  # type: ignore[union-attr]
    assert after.artifacts["tokenizer"].facts["fingerprint"] == run.artifacts["tokenizer"].facts["fingerprint"]


def test_a_plan_counts_what_is_left_out(tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path, render={"max_tokens": 24})
    recipe["data"] |= {"broken": "drop"}
    with Path(recipe["data"]["path"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"messages": [{"role": "assistant", "content": "x"}]}) + "\n")
        file.write(json.dumps({"messages": [*echo(random.Random(1), 1), *echo(random.Random(2), 1)]}) + "\n")
        long = [{"role": "user", "content": "red " * 30}, {"role": "assistant", "content": "blue"}]
        file.write(json.dumps({"messages": long}) + "\n")
    plan = make_plan(check_recipe(recipe, "echo"), tmp_path / "out", Silent())
    assert plan.facts("data")["broken"] == 1
    splits = plan.facts("examples")["splits"].values()
    assert sum(split["left_out"] for split in splits) == 1
    assert sum(split["cut_rows"] for split in splits) > 0
    assert plan.seconds > 0


def refused(recipe: dict[str, Any], *words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_runnable(check_recipe(recipe, "echo"))
    for word in words:
        assert word in str(caught.value)


def test_what_cannot_be_is_refused_before_anything_runs(tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path)
    assert isinstance(check_recipe(recipe, "echo"), DialogueRecipe)
    refused({**recipe, "model": {"family": "t5"}}, "the task chat goes on where a dialogue stands, and t5 cannot")
    refused({**recipe, "model": {"family": "bert"}}, "bert cannot")
    refused({**recipe, "model": {"family": "lstm"}}, "reads from both sides")
    refused({**recipe, "render": {"max_tokens": 128}}, "[render] max_tokens is 128", "64 positions")
    refused({**recipe, "write": {"max_tokens": 40}}, "more than half of [render] max_tokens")
    pairs = {"data": {**recipe["data"], "text": "a", "target": "b"}, "finetune": {"both_sides": True}}
    refused({**recipe, **pairs}, "both_sides under [finetune] is for dialogues of several turns")
    refused({**recipe, "explain": {}}, "[explain] is for answers that are labels")
    refused({**recipe, "data": {**recipe["data"], "label": "x"}}, "[data] label is for the tasks classify")
    refused({**recipe, "render": {"cut": "end", "max_tokens": 64}}, "cut and rejoin are for rows of texts")
    template = {"render": {"max_tokens": 64, "template": str(tmp_path / "none.jinja")}}
    with pytest.raises(RecipeError, match="there is no such file"):
        run_recipe(check_recipe({**recipe, **template}, "echo"), tmp_path / "out", Silent(), ["test"])


def test_a_template_of_the_recipe_is_learned_by_and_one_that_cannot_be_is_refused(tmp_path: Path) -> None:
    lines = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    template = tmp_path / "lines.jinja"
    recipe = recipe_in(tmp_path, render={"max_tokens": 64, "template": str(template)})
    recipe["finetune"] |= {"epochs": 0.1}
    template.write_text(lines, encoding="utf-8")
    result = run_recipe(check_recipe(recipe, "echo"), tmp_path / "out", Silent(), ["test"])
    assert (result.model / "chat_template.jinja").read_text(encoding="utf-8") == lines
    template.write_text(lines.replace("{{ eos_token }}", ""), encoding="utf-8")
    with pytest.raises(RecipeError, match="where to stop"):
        run_recipe(check_recipe(recipe, "echo"), tmp_path / "out", Silent(), ["test"])


def test_a_start_without_template_or_spare_tokens_is_refused(tmp_path: Path, small_recipe: Any) -> None:
    from penjing.models.llama import LLAMA
    from penjing.pipeline.model_folder import write_network
    from penjing.text.tokenizer import train_tokenizer
    from penjing.text.tokenizer_settings import TokenizerSettings

    recipe = recipe_in(tmp_path)
    recipe["finetune"] |= {"epochs": 0.1}
    for reserved in (0, 4):
        tokenizer = train_tokenizer(
            [[" ".join(COLORS)] * 3], TokenizerSettings(kind="bpe", vocab_size=320, reserved=reserved)
        )
        config = LLAMA.config_from_dict({**SHAPE, "vocab_size": tokenizer.vocab_size})
        network = LLAMA.language_model(config)
        LLAMA.initialize(network, config, 0)
        write_network(tmp_path / f"start-{reserved}", network, LLAMA, config, tokenizer, head="language")
    with pytest.raises(RecipeError, match="no chat template, and its tokenizer no spare tokens"):
        run_recipe(
            check_recipe({**recipe, "model": {"start": str(tmp_path / "start-0")}}, "echo"),
            tmp_path / "refused",
            Silent(),
            ["test"],
        )
    started = {**recipe, "model": {"start": str(tmp_path / "start-4")}}
    result = run_recipe(check_recipe(started, "echo"), tmp_path / "out", Silent(), ["test"])
    assert (result.model / "chat_template.jinja").is_file()
