"""The words of the report of a model that writes, in Chinese."""

from __future__ import annotations

WRITING_CHINESE: dict[str, str] = {
    "task.translate": "翻译",
    "task.summarize": "摘要",
    "does.translate": "翻译文本",
    "does.summarize": "为文本写摘要",
    "writing_lede": "一个有 {parameters} 参数的模型（{family}），用来{does}。",
    "writing_quality": "在它没有学过的 {rows} 篇测试文本上，{score} 为 {value}（95% 区间 {low} 至 {high}）。",
    "writing_chart": "测试文本上的 {score}",
    "writing_difference_above": "最好的基线（{name}）的 {score} 为 {value}。{gap} 的差距并非偶然："
    "其 95% 区间为 {low} 至 {high}。",
    "writing_difference_below": "最好的基线（{name}）的 {score} 为 {value}，高出 {gap}，并非偶然："
    "差距的 95% 区间为 {low} 至 {high}。在这些文本上，更简单的方法更好。",
    "writing_difference_chance": "最好的基线（{name}）的 {score} 为 {value}。{gap} 的差距可能出于偶然："
    "其 95% 区间（{low} 至 {high}）包含零。",
    "points": "{value} 个百分点",
    "writing_scores_caption": "对 {rows} 篇测试文本的答案的得分，集束宽度 {beams}；附按文本自助重采样的 95% 区间。",
    "writing_signature": "算法（{score}）：{signature}。别处的得分只有算法相同才能比较。",
    "writing_unfinished": "被截断的答案，即模型还没有写完的（[write] max_tokens）：{count} 个。",
    "pairs_cut_none": "没有词元被截去：{rows} 篇文本都不超过 {max_tokens} 个词元，"
    "要写的文本都不超过 {max_target_tokens} 个。",
    "pairs_cut_some": "{rows} 对文本中有 {cut_rows} 对被截去共 {cut_tokens} 个词元：文本超过 {max_tokens} 个词元，"
    "或要写的文本超过 {max_target_tokens} 个。",
    "pairs_caption": "各部分的文本对",
    "max_target_tokens": "学写的最长文本（词元）",
    "worst": "最差的答案",
    "worst_caption": "答案与应有的文本相差最远的测试文本，最差的在前。",
    "should_be": "应为",
    "it_wrote": "它写的是",
    "baseline.copy": "照抄原文",
    "baseline.dictionary": "用词典逐词翻译",
    "baseline.lead": "第一句",
    "baseline.textrank": "TextRank 选出的句子",
    "score.bleu": "BLEU",
    "score.chrf": "chrF2",
    "score.rouge": "ROUGE",
    "score.rouge1": "ROUGE-1",
    "score.rouge2": "ROUGE-2",
    "score.rougeL": "ROUGE-L",
    "score.length": "长度",
    "score.reference_length": "应有的长度",
    "score.coverage": "照抄的比例",
}
