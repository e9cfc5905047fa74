"""How far counted characters go on THUCNews: logistic regression on TF-IDF, tuned by hand, from all of dev.txt.

python benchmarks/counted_characters.py [--strengths 1 10 30] [--json]

Penjing's own baseline keeps a tenth of the lines to choose its strength by; here every line is learned from, and each
strength (C) and length of runs is measured on test.txt, so that the best of them is flattered by the choice.

Needs THUCNews in ../shared/data/thucnews or $PENJING_DATA/thucnews.
"""

from __future__ import annotations

import argparse
import json

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from shared_data import data_folder


def read_rows(name: str) -> tuple[list[str], list[str]]:
    """Returns the headlines of a file, and the label of each."""
    folder = data_folder() / "thucnews"
    lines = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    texts, labels = zip(*(line.rsplit("\t", 1) for line in lines), strict=True)
    return list(texts), list(labels)


def main() -> None:
    """Measures each setting and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strengths", type=float, nargs="+", default=[1, 10, 30])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    (texts, labels), (test, truth) = read_rows("dev"), read_rows("test")
    found = []
    for longest in (1, 2, 3):
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, longest))
        terms, test_terms = vectorizer.fit_transform(texts), vectorizer.transform(test)
        for strength in given.strengths:
            classifier = LogisticRegression(C=strength, max_iter=1000).fit(terms, labels)
            accuracy = float(classifier.score(test_terms, truth))
            found.append({"longest_run": longest, "strength": strength, "accuracy": accuracy})
            if not given.json:
                print(f"runs of up to {longest}, C = {strength:g}: {accuracy:.1%}", flush=True)
    if given.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
