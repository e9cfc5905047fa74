"""A recipe as a TOML file that explains itself, in English or Chinese."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from penjing.errors import PenjingError, spelled_out
from penjing.pipeline.recipe import Recipe

_COMMENTS: Mapping[str, tuple[str, str]] = {
    "finetune.distill.teacher": ("a larger model, whose answers are learned", "更大的模型，学它的回答"),
    "tokenizer.start": ("the tokenizer of that folder, as it is", "原样取用那个文件夹的分词器"),
    "data.encoding": ("found by the bytes: UTF-8, GB18030, Big5 …", "按字节判断：UTF-8、GB18030、Big5……"),
    "data.columns": ("the file has no header line", "文件没有标题行"),
    "data.empty_text": ("rows without a text are left out", "没有文本的行略去"),
    "data.empty_label": ("rows without a label are left out", "没有标签的行略去"),
    "data.spelling": ("labels that differ by case or spaces are one", "只差大小写或空格的标签算同一个"),
    "data.broken": ("dialogues that break the rules are left out", "不合规则的对话略去"),
    "data.equal": ("rows whose answers are the same are left out", "两个回答相同的行略去"),
    "data.absent": ("an answer that is not in its text counts for the scores", "不在原文里的答案只用于评分"),
    "data.offsets": ("offsets that are wrong are put right", "错误的位置自动改正"),
    "data.unknown_items": ("events with unknown items are left out", "物品表里没有的事件略去"),
    "data.text": ("column of the texts", "文本所在的列"),
    "data.target": ("column of what is written to each text", "要写出的文本所在的列"),
    "data.label": ("column of the labels", "标签所在的列"),
    "data.labels": ("from the lowest; put right what is not", "从低到高；不对就改"),
    "data.separator": ("stands between the labels of a text", "一篇文本的几个标签之间的符号"),
    "data.chosen": ("column of the answer that was preferred", "更受偏好的回答所在的列"),
    "data.rejected": ("column of the other answer", "另一个回答所在的列"),
    "parts.task": ("what is asked of the rows", "对这些行做什么"),
    "parts.template": ("tells the model what it is asked", "模型凭它知道要做什么"),
    "finetune.preference.beta": ("the lower, the further from the start", "越小，离起点越远"),
    "data.question": ("column of the questions", "问题所在的列"),
    "data.answer": ("column of the answers", "答案所在的列"),
    "data.answer_start": ("column of where they begin", "答案起始位置所在的列"),
    "data.document": ("no two splits have texts of the same", "同一篇的文本不会分到两边"),
    "data.items": ("table of the items", "物品的表"),
    "data.user": ("column of the users", "用户所在的列"),
    "data.item": ("column of the items", "物品所在的列"),
    "data.time": ("column of the times", "时间所在的列"),
    "data.id": ("column of the items in their table", "物品表中编号所在的列"),
    "render.max_items": ("items of a history that are read: the last ones", "读历史中最后的几件"),
    "write.max_tokens": ("of what is written", "写出的长度"),
    "corpus.path": (
        "texts to learn words from; those of the test are left out",
        "从这些文本学习词语；测试用到的不在其中",
    ),
    "tokenizer.vocab_size": ("most words; rarer ones are unknown", "词表大小；更少见的词算作未知"),
    "tokenizer.words.segment": ("Chinese is cut into words", "中文先分词"),
    "tokenizer.words.grams": ("Chinese is read by characters and every two of them", "中文读每个字和每两个相邻的字"),
    "tokenizer.kind": ("word, wordpiece, bpe or unigram", "word、wordpiece、bpe 或 unigram"),
    "vectors.epochs": ("what a word means, from the company it keeps", "词义从上下文学来"),
    "model.start": ("a model that exists is trained further", "在已有的模型上继续训练"),
    "model.family": ("lstm, bert, llama or t5", "lstm、bert、llama 或 t5"),
    "model.size": ("tiny, mini, small, base or large", "tiny、mini、small、base 或 large"),
    "render.max_tokens": (
        "what is longer is cut; 95% of the texts fit, up to 256 or 512",
        "更长的截断；95% 的文本放得下，至多 256 或 512",
    ),
    "pretrain.schedule": ("this run can be made longer afterwards", "以后还可以延长训练"),
    "pretrain.epochs": ("passes over the texts; as many as there is time for", "遍数，按给定的时间"),
    "finetune.epochs": ("passes over the rows", "遍数"),
    "finetune.average": ("a running average of the weights is kept", "保留权重的滑动平均"),
    "render.max_target_tokens": ("likewise, of what is written", "要写出的文本同样如此"),
    "write.beams": ("how many beginnings of an answer are kept", "写的时候保留几个开头"),
    "finetune.dropout": ("keeps a small set from being learned by heart", "免得把小数据背下来"),
    "finetune.both_sides": ("true: what the user replies is learned, too", "true：用户的答话也学"),
    "report.language": ("en or zh", "en 或 zh"),
}
_SECTIONS: Mapping[str, tuple[str, str]] = {
    "practice.write_off": (
        "first it learns to copy: sentences of the texts, beginning with any",
        "先学照抄：文本里的句子，从任意一句开始",
    ),
    "practice.find": ("then to find sentences like the rest of a text", "再学找出与全文最像的句子"),
    "practice.cloze": ("first it learns from questions made of the texts", "先学由文本编成的问题"),
    "explain": ("the report explains some answers, word by word", "报告逐词解释一些回答"),
}
_BEFORE = "finetune"  # comes practice
_PLACE = list(Recipe.model_fields).index(_BEFORE)
_ORDER = ["parts", *list(Recipe.model_fields)[:_PLACE], "practice", *list(Recipe.model_fields)[_PLACE:], "write"]
_COLUMN = 34
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"^parts\.[^.]+")


def write_recipe(document: Mapping[str, Any], heading: list[str], language: str) -> str:
    """Returns a recipe as TOML, with a heading and what its settings mean.

    Args:
        document: the recipe.
        heading: lines of comment at the top.
        language: of the comments, en or zh.

    Raises:
        PenjingError: read again, it would not be the same recipe.
    """
    lines = [f"# {spelled_out(line)}" for line in heading]
    lines += ["", *(_line("", key, value, language) for key, value in document.items() if not isinstance(value, dict))]
    for name in sorted((key for key, value in document.items() if isinstance(value, dict)), key=_ORDER.index):
        lines += _section(name, document[name], language)
    text = "\n".join(lines) + "\n"
    if not _is_read_as(text, document):
        raise PenjingError(
            "the recipe cannot be written so that it is read as it was meant",
            do="Rename columns and files with unusual characters, and report this.",
        )
    return text


def _is_read_as(text: str, document: Mapping[str, Any]) -> bool:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return json.dumps(read, sort_keys=True) == json.dumps(document, sort_keys=True)


def _section(name: str, values: Mapping[str, Any], language: str) -> list[str]:
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = []
    if plain or len(plain) == len(values):
        lines = ["", _commented(f"[{name}]", _SECTIONS.get(name), language)]
        lines += [_line(name, key, value, language) for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _section(f"{name}.{_key(key)}", value, language)
    return lines


def _line(section: str, key: str, value: Any, language: str) -> str:
    known = _PART.sub("parts", section).removeprefix("parts.")
    return _commented(f"{key} = {_value(value)}", _COMMENTS.get(f"{known}.{key}"), language)


def _commented(line: str, comment: tuple[str, str] | None, language: str) -> str:
    return line if comment is None else f"{line:<{_COLUMN}} # {comment[language == 'zh']}"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
