"""The words of the report about labels that are answered by their names, in Chinese."""

from __future__ import annotations

NAMES_CHINESE: dict[str, str] = {
    "names": "作答方式",
    "names_of": "看哪个标签的名称最可能接在文本之后：{names}",
    "name_of": "{label} 写作“{word}”",
    "names_learned": "名称",
    "names_learned.yes": "经过训练，当作每条文本的下文来学",
    "names_learned.no": "未经训练，模型保持不变",
    "name_examples": "提示中的示例",
    "name_examples.similarity": "{count} 条，取最相似的训练数据，各标签数目相同",
    "name_examples.random": "{count} 条，从训练数据中随机抽取，各标签数目相同",
    "name_dropped": "放不下的示例",
    "name_dropped_of": "{wanted} 条中有 {dropped} 条整条略去",
    "name_prior": "扣除",
    "name_prior.none": "无",
    "name_prior.empty": "没有文本时各名称的可能性",
    "name_prior.content_free": "面对无内容的文本时各名称的可能性",
    "name_length": "比较",
    "name_length.yes": "各名称每个词元的平均对数概率",
    "name_length.no": "各名称的对数概率",
}
