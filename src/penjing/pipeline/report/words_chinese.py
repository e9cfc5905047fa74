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
}
