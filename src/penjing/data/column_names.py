"""What columns are called: by their names it is known what they hold, before their values are looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: What the columns of each role are called, without case and signs; the likeliest first. ``document`` and ``summary``
#: are of summaries, ``source`` and ``translation`` of translations, ``context`` is what a question is about, ``whole``
#: what that is a part of; ``speaker`` and ``assistant`` hold what these say where both are there.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": (
        *("text", "sentence", "content", "review", "reviewtext", "comment", "message", "tweet", "post", "document"),
        *("article", "body", "abstract", "description", "headline", "title", "utterance"),
        *("文本", "内容", "文本内容", "评论", "评论内容", "评价", "评价内容", "留言", "句子", "正文", "文章", "描述"),
        *("原文", "标题", "新闻标题"),
    ),
    "label": (
        *("label", "sentiment", "emotion", "polarity", "category", "class", "stars", "rating", "score", "topic"),
        *("intent", "grade", "标签", "类别", "分类", "情感", "情感标签", "情感倾向", "情感极性", "情绪", "评分"),
        *("星级", "打分", "满意度", "意图", "主题"),
    ),
    "labels": ("labels", "tags", "categories", "topics", "genres", "label", "标签"),
    "document": (
        *("text", "document", "article", "content", "body", "dialogue", "story", "passage"),
        *("文本", "原文", "正文", "文章", "内容", "对话", "abstract", "description", "source"),
    ),
    "summary": ("target", "summary", "abstract", "highlights", "headline", "title", "摘要", "总结", "概要", "标题"),
    "source": ("text", "source", "src", "sourcetext", "sourcesentence", "文本", "原文", "源文", "源语言"),
    "translation": ("target", "translation", "tgt", "trg", "targettext", "targetsentence", "译文", "翻译", "目标语言"),
    "question": ("question", "query", "问题"),
    "answer": ("answer", "answers", "answertext", "答案"),
    "answer_start": (
        *("answerstart", "start", "startposition", "startindex", "startchar", "answerbegin", "answeroffset", "offset"),
        *("答案起始", "答案起始位置", "答案开始", "答案开始位置", "答案位置", "起始位置", "开始位置"),
    ),
    "whole": (
        *("documentid", "docid", "articleid", "document", "article", "title", "docname", "filename"),
        *("文档编号", "文章编号", "文档", "文档名", "文章标题", "标题", "篇名", "文件名"),
    ),
    "context": (
        *("context", "passage", "paragraph", "document", "article", "text"),
        *("上下文", "原文", "文章", "段落", "材料", "正文", "文本"),
    ),
    "prompt": (
        *("prompt", "question", "instruction", "input", "user", "human", "query"),
        *("提问", "问题", "指令", "输入", "问"),
    ),
    "reply": (
        *("response", "reply", "answer", "output", "completion", "assistant", "bot"),
        *("回复", "回答", "答复", "输出", "答"),
    ),
    "speaker": ("用户", "顾客", "客户"),
    "assistant": ("助手", "助理", "客服"),
    "chosen": ("chosen", "preferred", "accepted", "better", "winner", "win", "更好", "采纳"),
    "rejected": ("rejected", "dispreferred", "refused", "worse", "loser", "lose", "较差", "拒绝"),
    "user": (
        "user",
        "userid",
        "uid",
        "customer",
        "customerid",
        "member",
        "memberid",
        "reviewerid",
        "用户",
        "用户编号",
        "用户id",
        "用户号",
        "顾客",
        "客户",
        "会员",
    ),
    "item": (
        "item",
        "itemid",
        "iid",
        "movieid",
        "productid",
        "product",
        "asin",
        "bookid",
        "articleid",
        "id",
        "物品",
        "商品",
        "物品编号",
        "商品编号",
        "物品id",
        "商品id",
        "电影",
        "电影编号",
        "编号",
    ),
    "time": (
        "time",
        "timestamp",
        "date",
        "datetime",
        "unixreviewtime",
        "createdat",
        "时间",
        "时间戳",
        "日期",
        "评论时间",
        "购买时间",
        "下单时间",
    ),
    "title": (
        "title",
        "movietitle",
        "name",
        "productname",
        "标题",
        "名称",
        "物品名称",
        "商品名称",
        "电影名称",
        "片名",
        "书名",
    ),
}
#: What columns are called that say where a row is from, and are neither its text nor its label.
_ASIDE = frozenset(
    (
        *("split", "fold", "partition", "dataset", "subset", "source", "origin", "id", "index", "idx", "no", "number"),
        *("url", "uri", "link", "href", "path", "file", "filename", "image", "date", "time", "datetime", "timestamp"),
        *("createdat", "updatedat", "author", "user", "username", "annotator", "language", "lang"),
        *("划分", "数据集", "来源", "编号", "序号", "链接", "网址", "路径", "文件名", "图片", "日期", "时间"),
        *("作者", "用户", "用户名", "用户编号", "标注员", "提交时间", "语言"),
    )
)
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_ID = re.compile(r"(?:^|[\W_])id$|[a-z]Id$|(?<![A-Z])ID$", re.ASCII)
_ASIDE_ENDS = ("url", "uri", "链接", "网址", "编号", "序号")
_EVENT_ROLES = ("user", "item", "time")


def plain_name(name: str) -> str:
    """Returns a column's name without case, signs, what stands in brackets, and RecBole's kinds.

    >>> [plain_name(name) for name in ("user_id:token", "Sentiment (pos/neg)")]
    ['userid', 'sentiment']
    """
    shorter = _BRACKETS.sub("", name)
    return re.sub(r"[\W_]+", "", shorter.split(":")[0].lower()) or re.sub(r"[\W_]+", "", name.lower())


def named(names: Iterable[str], role: str) -> list[str]:
    """Returns those of some columns that are called what a role's are, the likeliest first."""
    known = COLUMN_NAMES[role]
    found = [name for name in names if plain_name(name) in known]
    return sorted(found, key=lambda name: known.index(plain_name(name)))


def is_aside(name: str) -> bool:
    """Returns whether a column of this name says where a row is from: its split, source, address, time or id.

    >>> [is_aside(name) for name in ("split", "source_url", "review_id", "", "sentiment", "paid")]
    [True, True, True, True, False, False]
    """
    plain = plain_name(name)
    return not plain or plain in _ASIDE or plain.endswith(_ASIDE_ENDS) or bool(_ID.search(name.split(":")[0]))


def is_known(name: str) -> bool:
    """Returns whether a column of any role is called so."""
    return is_aside(name) or any(plain_name(name) in known for known in COLUMN_NAMES.values())


def are_of_events(names: Iterable[str]) -> bool:
    """Returns whether columns of these names hold users, items and times."""
    every = [*names]
    return all(named(every, role) for role in _EVENT_ROLES)
