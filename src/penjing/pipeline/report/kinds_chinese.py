"""The words of the reports of labels in order and of several labels a text, in Chinese."""

from __future__ import annotations

KINDS_CHINESE: dict[str, str] = {
    "task.ordinal": "有序标签分类",
    "task.stars": "星级情感分析",
    "baseline.tfidf-ridge": "TF-IDF + 岭回归",
    "score.mae": "平均绝对误差（级）",
    "score.qwk": "二次加权 kappa",
    "score.within_one": "至多差一级",
    "ordinal_note": "模型与各基线的答案都取中位数：从低到高累计概率首次达到一半的那个标签。平均绝对误差："
    "答案平均差几级，越小越好。加权 kappa：扣除偶然之后的一致程度，差得越远扣得越多；1 为完全一致，0 为偶然水平。",
    "expected": "平均 {value}",
}
