"""The words of the report of a model that goes on with texts, in Chinese."""

from __future__ import annotations

GENERATION_CHINESE: dict[str, str] = {
    "task.generate": "文本生成",
    "generation_lede": "一个 {parameters} 参数的模型（{family}），会接着文本往下写。",
    "note_given": "每篇文本的开头是给定的，只测后面的部分，因此不能与整篇文本的每字节比特数相比。",
    "generation_scores_caption": "{rows} 篇测试文本（{words} 个词，{bytes} 字节）的每字节比特数和困惑度，"
    "以及模型接着 {sampled} 篇的开头所写内容的多样程度；附 95% 置信区间。",
    "samples_note": "相异率：不同的词（或连续两词、三词）占全部的比例，模型与真实文本取同样多的词来数。"
    "重复率：连续四词中在同一篇里已经出现过的比例。汉字按字计。",
    "repeats.more": "模型比真实文本更爱重复：差值的 95% 置信区间为 {low} 到 {high} 个百分点。",
    "repeats.less": "模型比真实文本更少重复：差值的 95% 置信区间为 {low} 到 {high} 个百分点。",
    "repeats.chance": "看不出模型是否比真实文本更爱重复：差值的 95% 置信区间为 {low} 到 {high} 个百分点，包含零。",
    "samples_unfinished": "写到长度上限时还没有结束的有 {count} 篇。",
    "samples_cut": "因窗口太短，开头有 {count} 个词元没有读入。",
    "samples": "模型所写与真实下文",
    "samples_caption": "前若干篇测试文本：开头、真实的下文，以及模型在温度 {temperature}、top-p {top_p} 下的续写。",
    "beginning": "开头",
    "truly_follows": "真实下文",
    "it_goes_on": "模型续写",
    "texts_caption": "各部分的文本数",
    "texts_in_windows": "{texts} 篇文本分成 {windows} 个窗口来学，每个最多 {max_tokens} 个词元；"
    "其中 {several} 篇更长，但没有丢掉任何内容。",
    "beginnings_cut": "有 {cut_rows} 条的给定开头放不下，共有 {cut_tokens} 个词元没有读入。",
    "baseline.real": "真实文本",
    "score.distinct_1": "相异词",
    "score.distinct_2": "相异的连续两词",
    "score.distinct_3": "相异的连续三词",
    "score.repetition": "重复率",
}
