"""Trains a small entity recognizer of spaCy on sentences made by a seed, in seconds: enough to try the way through.

python tests/data/personal/train_recognizer.py LANGUAGE FOLDER

No sentence is one of names.en.txt or names.zh.txt.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

_EPOCHS = 8
_SENTENCES = 240
_BATCH = 16

_PARTS = {
    "en": {
        "given": "Alice Brian Clara David Edith Frank Gloria Henry Iris Jacob Laura Martin Nora Oliver Paula Simon",
        "family": "Abbott Baxter Carter Dawson Ellis Foster Grant Harper Irving Jensen Keller Lawson Mason Quinn",
        "place": "Dublin Norwich Oslo Denver Lisbon Madrid Vienna Boston Exeter London Leeds York",
    },
    "zh": {
        "given": "伟 芳 敏 静 强 磊 洋 艳 勇 杰 娟 涛 明 超 秀兰 桂英 建华 志明 晓燕 海波 国庆 春梅 雪 丽华 思远",
        "family": "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 欧阳 司马",
        "place": "北京 上海 广州 深圳 杭州 南京 成都 武汉 西安 重庆 天津 苏州",
    },
}
_TEMPLATES = {
    "en": [
        "{person} went to {place} by train.",
        "Yesterday {person} talked about the budget.",
        "A letter from {person} came from {place}.",
        "The song was sung by {person} and {person}.",
        "{place} is far away from {place}.",
        "She lives in {place} with {person}.",
        "The weather in {place} was fine.",
        "Ask {person} for the key.",
        "The film is long, loud and rather dull.",
        "We sold 20 chairs and 3 tables in May.",
        "Hello {person}, here are the minutes.",
        "Our shop in {place} opens at nine.",
    ],
    "zh": [
        "我叫{person}，住在{place}。",
        "{person}昨天到了{place}。",
        "包裹交给{person}，不要放外面。",
        "{person}和{person}都来了。",
        "{place}的天气很好。",
        "从{place}到{place}要五个小时。",
        "这首歌是{person}唱的，听了三遍。",
        "护士{person}打了两针。",
        "大家笑着说，下次还要来。",
        "酒店的服务很好，早餐一般。",
        "我的老师{person}退休了。",
        "雨下了一夜，河里的水满了。",
        "手机用了两年，电池还行。",
    ],
}
_ENCODER = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 32,
    "depth": 2,
    "embed_size": 500,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
_LABELS = {"person": "PERSON", "place": "GPE"}


def make_sentences(language: str, count: int, seed: int) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Returns sentences with what is named in them (start, end, label)."""
    draw, parts = random.Random(seed), _PARTS[language]
    sentences = []
    for number in range(count):
        pieces = _TEMPLATES[language][number % len(_TEMPLATES[language])].split("{")
        text, named = pieces[0], []
        for piece in pieces[1:]:
            kind, rest = piece.split("}")
            name = draw.choice(parts["place"].split()) if kind == "place" else _name(language, draw)
            named.append((len(text), len(text) + len(name), _LABELS[kind]))
            text += name + rest
        sentences.append((text, named))
    return sentences


def _name(language: str, draw: random.Random) -> str:
    given, family = (draw.choice(_PARTS[language][part].split()) for part in ("given", "family"))
    if language == "zh":
        return family + given
    whole = f"{given} {family}"
    return draw.choice([given, whole, whole, whole.upper()])


def train_recognizer(language: str, folder: Path, seed: int = 0) -> Any:
    """Trains a recognizer, writes it and returns the pipeline."""
    import spacy
    from spacy.training import Example

    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank(language)
    nlp.add_pipe("ner", config={"model": {"tok2vec": _ENCODER}})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": named})
        for text, named in make_sentences(language, _SENTENCES, seed)
    ]
    optimizer = nlp.initialize(lambda: examples)
    draw = random.Random(seed)
    for _ in range(_EPOCHS):
        draw.shuffle(examples)
        for start in range(0, len(examples), _BATCH):
            nlp.update(examples[start : start + _BATCH], sgd=optimizer, drop=0.1)
    nlp.to_disk(folder)
    return nlp


if __name__ == "__main__":
    train_recognizer(sys.argv[1], Path(sys.argv[2]))
