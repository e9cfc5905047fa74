"""Questions of CMRC 2018, cross-validated by article, with an encoder of one's own.

python benchmarks/answers.py [--folds N] [--of 5] [--set a.b=c …] [--limit N] [--out DIR] [--json]
python benchmarks/answers.py --baselines-only [--json]
python benchmarks/answers.py --recall-only [--json]

For each fold an encoder practices on questions made of the training articles and of hotel reviews (chnsenticorp), is
fine-tuned on the training questions, and measured on those of the fold. No text of the fold's articles is seen before.
F1 and exact match of each fold are printed beside those of the baselines on the same questions; --set practice=none
leaves the practice out. --baselines-only trains nothing, and measures the baselines on all questions; --recall-only how
often the search over all articles, a file each, finds a passage with an answer.

CMRC 2018 is read from $PENJING_DATA/cmrc2018 (dev.json.gz). With --out finished stages are not made again, so that a
run that was stopped goes on. --limit takes so many articles and reviews only, to try the script.
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
from penjing.machine import describe_machine
from shared_data import data_folder

RECIPE = "cmrc2018"


def read_articles(data: Path, limit: int | None) -> list[dict[str, Any]]:
    """Returns the documents of CMRC 2018's development set in a drawn order."""
    with gzip.open(data / "cmrc2018" / "dev.json.gz", "rt", encoding="utf-8") as file:
        articles: list[dict[str, Any]] = json.load(file)["data"]
    random.Random(0).shuffle(articles)
    return articles[:limit]


def other_texts(data: Path, limit: int | None) -> list[str]:
    """Returns hotel reviews."""
    with (data / "chnsenticorp" / "train.tsv").open(encoding="utf-8") as file:
        reviews = [row[-1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]
    return reviews[:limit]


def write_fold(folder: Path, train: list[dict[str, Any]], test: list[dict[str, Any]], others: list[str]) -> None:
    """Writes ``train.json``, ``test.json`` and ``others.jsonl``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, documents in (("train", train), ("test", test)):
        text = json.dumps({"version": "1", "data": documents}, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in others)
    (folder / "others.jsonl").write_text("".join(lines), encoding="utf-8")


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


def run_fold(folder: Path, more: list[str]) -> dict[str, Any]:
    """Returns what a fold comes to: minutes, scores and baselines."""
    files = {"data.path": "train.json", "data.test": "test.json", "corpus.path": "others.jsonl"}
    read = [f"{key}={folder / name}" for key, name in files.items()]
    done = commands.run(RECIPE, ["data.answer=answer", *read, *more], folder / "run")
    return {"minutes": commands.minutes(done), "scores": done["scores"], "baselines": done["baselines"]}


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=1, help="how many folds are run")
    parser.add_argument("--of", type=int, default=5, help="how many folds there are")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings of the runs")
    parser.add_argument("--limit", type=int, help="articles and reviews that are used")
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
            folds.append({"articles": len(test), **run_fold(out / f"fold-{number}", given.set)})
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
