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
    "star_lexicon_note": "情感词典给每篇文本一个分数；多少分对应哪个标签，由有序逻辑回归从训练数据学来。",
    "task.multilabel": "多标签分类",
    "baseline.frequent-set": "最常见的标签组合",
    "baseline.tfidf-each": "TF-IDF + 每个标签一个逻辑回归",
    "score.micro_f1": "微平均 F1",
    "score.hamming_loss": "汉明损失",
    "score.macro_auroc": "宏平均 AUROC",
    "score.auroc": "AUROC",
    "auroc_note_two": "AUROC：标签为{label}的条目，该标签的概率高于另一类条目的比例，相等算一半；偶然水平为 50%。",
    "auroc_note_many": "AUROC：属于某标签的条目，该标签的概率高于其他条目的比例，相等算一半；"
    "取各标签的平均；偶然水平为 50%。",
    "auroc_left_out": "计算 AUROC 时不计测试数据中没有的标签：{labels}。",
    "sets_lede": "一个有 {parameters} 参数的模型（{family}），从 {count} 个标签中给文本选出任意多个，"
    "也可以一个都不给。",
    "sets_caption": "{rows} 条测试数据上的得分，附按条目自助重采样的 95% 区间。汉明损失越小越好。",
    "sets_note": "概率不低于 {threshold} 的标签即给出：该阈值使验证数据上的微平均 F1 最高，各基线的阈值也这样选定。"
    "汉明损失：所有条目的标签判断中错误的比例。AUROC：有该标签的条目得分高于没有的条目的比例。",
    "sets_ece_note": "校准误差：把概率分成 {bins} 段，看每段中某标签的平均概率与实际有该标签的比例相差多少，"
    "按该段条数加权；单个标签的，或各标签的平均，越小越好。不给概率的没有这一项。",
    "sets_labels_caption": "各标签的得分，按常见程度排列，附 95% 区间。",
    "sets_confusion_caption": "各标签的得分，按常见程度排列，附 95% 区间。真正例：有该标签也给出了；"
    "假正例：给出了却没有；假负例：有却未给出；真负例：没有也未给出。",
    "confusion.true_positives": "真正例",
    "confusion.false_positives": "假正例",
    "confusion.false_negatives": "假负例",
    "confusion.true_negatives": "真负例",
    "sets_splits_caption": "各部分中有该标签的条数",
    "sets_worst_caption": "概率与真实标签相差最远的测试数据。其中有些可能是标注错误。",
    "no_labels": "无标签",
    "removed.unlabelled": "{count} 条没有标签",
    "removed.unknown": "{count} 条的标签不在所列之中",
    "expected": "平均 {value}",
}
