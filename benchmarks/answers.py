"""Questions of CMRC 2018, cross-validated by article, with an encoder of one's own.

python benchmarks/answers.py [--folds N] [--of 5] [--practise-epochs E] [--set a.b=c …] [--limit N] [--out DIR] [--json]
python benchmarks/answers.py --baselines-only [--json]
python benchmarks/answers.py --recall-only [--json]

For each fold: (1) an encoder practises on questions made of the texts of the training articles, hotel reviews
(chnsenticorp) and headlines (thucnews), by cloze_questions.py, unless --practise-epochs is 0; (2) it is fine-tuned on
the training questions, and measured on those of the fold. No text of the fold's articles is seen before. F1 and exact
match of each fold are printed beside those of the baselines on the same questions. --baselines-only trains nothing, and
measures the baselines on all questions; --recall-only how often the search over all articles, a file each, finds a
passage with an answer.

CMRC 2018 is read from $PENJING_DATA/cmrc2018 (dev.json.gz). With --out finished stages are not made again, so that a
run that was stopped goes on. --limit takes so many articles only, to try the script.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import commands
from cloze_questions import make_questions
from penjing.machine import describe_machine
from shared_data import data_folder

RECIPE = "cmrc2018"
PER_ARTICLE, PER_OTHER = 20, 2  # questions that are made of a text, at most
AFTER = ("finetune.learning_rate=5e-4", "finetune.epochs=3", "finetune.evaluations=3")  # practice: fewer, smaller steps


def read_articles(data: Path, limit: int | None) -> list[dict[str, Any]]:
    """Returns the documents of CMRC 2018's development set in a drawn order."""
    with gzip.open(data / "cmrc2018" / "dev.json.gz", "rt", encoding="utf-8") as file:
        articles: list[dict[str, Any]] = json.load(file)["data"]
    random.Random(0).shuffle(articles)
    return articles[:limit]


def other_texts(data: Path, limit: int | None) -> list[str]:
    """Returns hotel reviews and headlines."""
    with (data / "chnsenticorp" / "train.tsv").open(encoding="utf-8") as file:
        reviews = [row[-1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]
    headlines = (data / "thucnews" / "dev.txt").read_text(encoding="utf-8").splitlines()
    return [*reviews[:limit], *(line.split("\t")[0] for line in headlines[:limit])]


def write_fold(folder: Path, train: list[dict[str, Any]], test: list[dict[str, Any]], others: list[str]) -> None:
    """Writes ``train.json``, ``test.json`` and ``cloze.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    contexts = [paragraph["context"] for article in train for paragraph in article["paragraphs"]]
    cloze = [*make_questions(contexts, PER_ARTICLE, seed=0), *make_questions(others, PER_OTHER, seed=1)]
    for number, document in enumerate(cloze):
        document["title"] = f"cloze {number}"
    for name, documents in (("train", train), ("test", test), ("cloze", cloze)):
        text = json.dumps({"version": "1", "data": documents}, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def measure_baselines(data: Path) -> dict[str, Any]:
    """Returns the scores of the baselines on all questions of the development set."""
    from penjing.data.question_rows import QuestionReader
    from penjing.data.question_settings import QuestionData
    from penjing.tasks.answer import ANSWER

    file = data / "cmrc2018" / "dev.json.gz"
    questions = list(QuestionReader(QuestionData(path=str(file))).read(file))
    asked, texts = [item.question for item in questions], [item.text for item in questions]
    references, documents = [item.answers for item in questions], [item.document for item in questions]
    return {
        name: ANSWER.score(fit([]).answer(asked, texts), references, documents, 1000, 0)["scores"]
        for name, fit in ANSWER.baselines.items()
    }


def measure_recall(data: Path) -> dict[str, Any]:
    """Returns how often passages of all articles hold an answer to each question of the development set."""
    from penjing.data.question_rows import QuestionReader
    from penjing.data.question_settings import QuestionData
    from penjing.evaluate.documents import recall_scores, search_documents
    from penjing.progress import Silent
    from penjing.tasks.passage_index import index_folder

    file = data / "cmrc2018" / "dev.json.gz"
    questions = list(QuestionReader(QuestionData(path=str(file))).read(file))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "articles"
        folder.mkdir()
        for number, text in enumerate(dict.fromkeys(item.text for item in questions)):
            (folder / f"{number}.txt").write_text(text, encoding="utf-8")
        index = index_folder(folder, Silent())
        found = search_documents(index, questions, Silent())
    return {"passages": len(index.passages), **recall_scores(found, questions)}


def show(name: str, scores: dict[str, Any]) -> None:
    """Prints F1 and exact match with their intervals."""
    f1, exact = scores["f1"], scores["exact_match"]
    print(
        f"  {name}: F1 {100 * f1['value']:.1f} ({100 * f1['low']:.1f} to {100 * f1['high']:.1f}), "
        f"exact match {100 * exact['value']:.1f} ({100 * exact['low']:.1f} to {100 * exact['high']:.1f})"
    )


def run_fold(folder: Path, practise_epochs: float, more: list[str]) -> dict[str, Any]:
    """Returns what a fold comes to: minutes, scores and baselines."""
    real = ["data.answer=answer", f"data.path={folder / 'train.json'}", f"data.test={folder / 'test.json'}"]
    runs = []
    if practise_epochs:
        practice = ["data.answer=answer", f"data.path={folder / 'cloze.json'}", f"finetune.epochs={practise_epochs:g}"]
        runs.append(commands.run(RECIPE, [*more, *practice], folder / "practice"))
        start = [f"model.start={folder / 'practice' / 'model'}", "model.shape={}", *AFTER]
        runs.append(commands.run(RECIPE, [*more, *real, *start], folder / "real"))
    else:
        runs.append(commands.run(RECIPE, [*more, *real], folder / "real"))
    return {
        "minutes": round(sum(commands.minutes(done) for done in runs), 1),
        "practice": runs[0]["scores"] if len(runs) > 1 else None,
        "scores": runs[-1]["scores"],
        "baselines": runs[-1]["baselines"],
    }


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=1, help="how many folds are run")
    parser.add_argument("--of", type=int, default=5, help="how many folds there are")
    parser.add_argument("--practise-epochs", type=float, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings of both runs")
    parser.add_argument("--limit", type=int, help="articles, reviews and headlines that are used")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--baselines-only", action="store_true")
    parser.add_argument("--recall-only", action="store_true")
    given = parser.parse_args()
    data = data_folder()
    if given.baselines_only:
        measured = measure_baselines(data)
        if given.json:
            print(json.dumps(measured, indent=2))
        for name, scores in {} if given.json else measured.items():
            show(name, scores)
        return
    if given.recall_only:
        print(json.dumps(measure_recall(data), indent=None if not given.json else 2))
        return
    articles, others = read_articles(data, given.limit), other_texts(data, given.limit)
    with tempfile.TemporaryDirectory() as scratch:
        out, folds = given.out or Path(scratch), []
        for number in range(given.folds):
            test = articles[number :: given.of]
            train = [article for place, article in enumerate(articles) if place % given.of != number]
            write_fold(out / f"fold-{number}", train, test, others)
            folds.append({"articles": len(test), **run_fold(out / f"fold-{number}", given.practise_epochs, given.set)})
    document = {"machine": describe_machine(), "folds": folds}
    if given.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(document["machine"])
    for number, fold in enumerate(folds):
        print(f"fold {number}: {fold['articles']} articles, {fold['minutes']} min")
        for name, scores in (("model", fold["scores"]), *((n, s) for n, s in fold["baselines"].items())):
            show(name, scores)


if __name__ == "__main__":
    main()
