"""The words of the page about a tokenizer in Chinese."""

from __future__ import annotations

TOKENIZER_CHINESE = {
    "card_title": "分词器 {name}",
    "card_kicker": "盆景 · 分词器体检",
    "card_lede": "在 {texts} 篇文本（{megabytes} MB）上测得。",
    "card_sampled": "在 {texts} 篇文本（{megabytes} MB）上测得，从 {all} 篇中均匀抽取。",
    "card_figures": "各项数字",
    "card_figures_note": "语种按文字判断：中文词（按 1.5 字一词计）多于其他字母串的算中文；用拉丁字母的都算英文。"
    "词以空格为界，不计两端的标点；{chinese}。",
    "card_dictionary": "中文按词典切词",
    "card_characters": "没有安装 rjieba，中文一字算一词",
    "card_vocabulary": "词条数",
    "card_bytes_per_token": "每词元字节数，{language}",
    "card_fertility": "每词词元数，{language}",
    "card_whole_share": "整词成一个词元，{language}",
    "card_unknown": "未知词元",
    "card_uncovered": "未覆盖的字符",
    "card_altered": "不能原样还原的文本",
    "card_unused": "这批文本没用到的词条",
    "card_unreachable": "永远不会出现的词条",
    "card_hardly": "几乎没学到的词条",
    "card_parts": "只是半个字符的词条",
    "card_speed": "每秒 MB，{threads} 线程",
    "card_entries": "值得一看的词条",
    "card_entries_note": "永远不会出现：词条自己的文字会被切成别的词元。几乎没学到：在训练文本中至多出现 {most} 次。"
    "两者都可能是“故障词元”（Land & Bartolo 2024）：模型对它们一无所知。",
    "card_longest": "最长的词条",
    "card_samples": "逐个词元看示例",
    "card_samples_note": "颜色逐词元交替；小号数字表示一个字符占了几个词元，下划线表示未知。",
    "card_tokens": "{count} 个词元",
    "card_none": "无",
    "text_language.en": "英文",
    "text_language.zh": "中文",
    "text_language.other": "其他文字",
    "kind.unigram": "字节级 unigram",
}
