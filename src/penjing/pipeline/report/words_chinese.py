"""The words of the page about word vectors, in Chinese."""

from __future__ import annotations

WORDS_CHINESE: dict[str, str] = {
    "words_title": "{name} 的词",
    "words_kicker": "盆景 · 词向量",
    "words_lede": "{texts} 篇文本中出现 {fewest} 次以上的 {words} 个词；word2vec，每个词 {size} 维。",
    "words_near": "与“{word}”最近的词（出现 {count} 次）",
    "words_neighbors": "近邻",
    "words_word": "词",
    "words_similarity": "余弦",
    "words_times": "次数",
    "words_map": "最常见的词的地图",
    "words_map_note": "用法相近的词靠在一起（t-SNE）；整张图上的远近没有意义。不含停用词。"
    "标出的是所问的词和它们的近邻；两个词会互相遮挡时，较少见的只画一个点。",
    "rows_counts": "只读 {read} 个词元，学习 {learned} 个，截去 {cut} 个",
    "rows_answer": "学习：{answer}",
    "rows_colors": "绿色和黄色：学习。蓝色：只读。红色删除线：截去。",
    "rows_marks": "{{+学习+}}，[-截去-]；其余只读。",
    "rows_drawn": "每次读文本时重新抽取要学习的词元（目标 {objective}）。",
}
