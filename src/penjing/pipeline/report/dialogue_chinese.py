"""The words of the report of a model that replies, in Chinese."""

from __future__ import annotations

DIALOGUE_CHINESE: dict[str, str] = {
    "task.chat": "对话",
    "dialogue_lede": "一个有 {parameters} 参数的模型（{family}），用来在对话中答话。",
    "dialogue_quality": "从测试对话的 {candidates} 句答话中，它有 {value} 的次数找出了真正的那一句"
    "（95% 区间 {low} 至 {high}）；随机猜为 {chance}。",
    "dialogue_quality_cached": "从测试对话的 {candidates} 句答话中，它借助一份前文的缓存，"
    "有 {value} 的次数找出了真正的那一句（95% 区间 {low} 至 {high}）；随机猜为 {chance}。",
    "dialogue_chart": "从 {candidates} 句中找出答话",
    "dialogue_difference_above": "最好的基线（{name}）为 {value}。{points} 个百分点的差距并非偶然："
    "其 95% 区间为 {low} 至 {high}。",
    "dialogue_difference_below": "最好的基线（{name}）为 {value}，高出 {points} 个百分点，并非偶然："
    "差距的 95% 区间为 {low} 至 {high}。在这些对话上，更简单的方法更会找答话，只是它不会写。",
    "dialogue_difference_chance": "最好的基线（{name}）为 {value}。{points} 个百分点的差距可能出于偶然："
    "其 95% 区间（{low} 至 {high}）包含零。",
    "replies_caption": "在各 {candidates} 句中找 {questions} 句答话；困惑度和每字节比特数取自 {dialogues} 段测试对话的 "
    "{rows} 句答话；附按对话自助重采样的 95% 区间。",
    "replies_note": "模型按答话在前文之后的对数概率、减去它在别的对话的前文之后的平均值来找；"
    "候选答话取自别的测试对话，几句并列最好时只计一部分。"
    "困惑度只能在同一分词器之间比较。",
    "replies_cached": "找答话时，模型旁有一份缓存：前文说过的词更可能再说，越晚说的越是如此。缓存占 {share}，"
    "这一比例在验证对话上最好。写答话和困惑度都不用它。",
    "replies_cached_teacher": "教师找答话时，旁边也有一份前文的缓存，所占比例在验证对话上对它最好。",
    "replies_left_out": "与所答的话合起来放不进窗口、因而没有测的答话：{count} 句。",
    "windows_whole": "每段对话都放得进 {max_tokens} 个词元的窗口。",
    "windows_cut": "长于 {max_tokens} 个词元窗口的对话分几个窗口来读，共 {rows} 个："
    "最早的几轮整轮略去，系统提示从不略去。",
    "windows_left_out": "与所答的话合起来放不进窗口、因而没有学的答话：{count} 句。",
    "other_sides": "两边的答话都学：{count} 段训练对话从第二句起双方对调，又学了一次。",
    "other_sides_left_out": "其中的答话也在验证或测试里、因而没有对调再学的：{count} 段。",
    "dialogues_caption": "各部分的对话",
    "exchanges_caption": "各部分的答话",
    "removed.broken": "不合规则的对话 {count} 段",
    "worst_choices": "最差的选择",
    "worst_choices_caption": "它把另一句答话排得远高于真正那一句的地方。",
    "said_before": "前一句",
    "was_given": "真正的答话",
    "it_chose": "它选的",
    "baseline.frequent": "最常见的答话",
    "baseline.bm25": "BM25",
    "score.retrieval_accuracy": "找对的比例",
    "score.retrieval_accuracy_alone": "找对的比例（不用缓存）",
}
