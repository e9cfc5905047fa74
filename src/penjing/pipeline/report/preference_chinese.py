"""The words of the report of a model that learned from preferences, in Chinese."""

from __future__ import annotations

PREFERENCE_CHINESE: dict[str, str] = {
    "task.prefer": "偏好",
    "task.prefer_reply": "对话中的偏好",
    "stage.reference": "参照",
    "preference_lede": "一个有 {parameters} 参数的模型（{family}），学过两个回答中人们更喜欢哪一个。",
    "preference_quality": "在它没有学过的 {rows} 对测试回答中，它给受偏好者更高奖励的占 {value}"
    "（95% 区间 {low} 至 {high}）。",
    "preference_chart": "测试回答上的 {score}",
    "preference_difference_above": "最好的基线（{name}）判断对 {value}。{gap} 的差距并非偶然："
    "其 95% 区间为 {low} 至 {high}。",
    "preference_difference_below": "最好的基线（{name}）判断对 {value}，高出 {gap}，并非偶然："
    "差距的 95% 区间为 {low} 至 {high}。在这些回答上，更简单的方法更好。",
    "preference_difference_chance": "最好的基线（{name}）判断对 {value}。{gap} 的差距可能出于偶然："
    "其 95% 区间（{low} 至 {high}）包含零。",
    "preference_caption": "{rows} 对测试回答上的得分，附按对自助重采样的 95% 区间。",
    "preference_note": "一个回答的奖励，是它的对数概率自起点以来的增量乘以 beta；受偏好的回答奖励更高，这一对就算对。"
    "起点模型没有奖励，按对数概率来衡量。并列算一半。",
    "preference_change_note": "最后两项的单位是每词元奈特：低于 0，就是比起点时更不可能写出。"
    "常见的情形是两者都下降，另一个降得更多。",
    "preference_learned": "学习方式",
    "preference_loss": "{loss}，beta 为 {beta}",
    "preference_smoothing": "标签平滑",
    "preference_likelihood": "似然项的权重",
    "preference_cut_none": "没有词元被截去。",
    "preference_cut_some": "提示和回答共被截去 {cut_tokens} 个词元，涉及 {rows} 条词元序列；每对回答有两条。",
    "preference_left_out": "有差别之处被截去、或提示没有留下余地，因而学不到什么的回答：{count} 对。",
    "preference_pairs": "各部分的对数",
    "preference_worst": "错得最远的地方",
    "preference_worst_caption": "另一个回答的奖励高出受偏好者最多的测试回答。",
    "prompt": "提示",
    "was_preferred": "受偏好的",
    "it_prefers": "它偏好的",
    "removed.equal": "两个回答相同 {count} 条",
    "baseline.reference": "起点模型",
    "baseline.longer": "较长的回答",
    "baseline.tfidf-difference": "两者的 TF-IDF，逻辑回归",
    "score.preference_accuracy": "偏好判断正确率",
    "score.likelihood_accuracy": "只按对数概率的正确率",
    "score.reward_margin": "奖励之差",
    "score.chosen_change": "受偏好者的变化",
    "score.rejected_change": "另一个的变化",
}
