"""The words of the report of a model that finds answers, in Chinese."""

from __future__ import annotations

ANSWERS_CHINESE: dict[str, str] = {
    "task.answer": "阅读问答",
    "answers_lede": "这是一个 {parameters} 参数的模型（{family}），从文章中找出问题的答案。",
    "written_answers_lede": "这是一个 {parameters} 参数的模型（{family}），读问题和文章，写出答案。",
    "written_template": "读入“{template}”。",
    "written_not_learned": "有 {count} 个问题的答案不在读入的文章里，没有用来学习。",
    "written_beams": "答案由集束搜索写出，宽度 {beams}；所写的词不一定出现在文中。",
    "written_refused": "其中 {unanswerable} 个问题在文中没有答案，模型对 {refused} 个问题没有写答案。",
    "answers_quality": "在 {rows} 个测试问题上（所问文章没有用于训练），答案的 F1 为 {value}"
    "（95% 区间 {low} 至 {high}），其中 {exact} 完全正确。",
    "answers_chart": "测试问题上的 {score}",
    "answers_scores_caption": "{rows} 个测试问题的得分，附按文章重抽样的 95% 自助法区间。",
    "answer_rules.squad": "按 SQuAD 的规则：转小写，去标点和冠词，F1 统计相同的词。有多个参考答案时取最好的一个。",
    "answer_rules.cmrc2018": "按 CMRC 2018 的规则：以字为单位，去标点，F1 取最长的相同片段。"
    "有多个参考答案时取最好的一个。",
    "answers_refused": "其中 {unanswerable} 个问题在文中没有答案，模型对 {refused} 个问题没有作答："
    "最好的片段超过“文中没有”{threshold} 以上才作答，这个值由验证问题选出，或由配方给定。",
    "answers_windows": "{rows} 个问题连同文章分 {windows} 个窗口读入，每个窗口最多 {max_tokens} 个词元；"
    "同一文章的窗口相互重叠，文章没有截断。",
    "answers_cut": "有 {rows} 个窗口的问题过长，截去 {cut_tokens} 个词元。",
    "answers_exact_chart": "微调：答案完全找对",
    "answers_by_steps": "验证窗口中首尾都找对的比例，横轴为步数",
    "questions_caption": "各划分的问题数",
    "questions_of": "{rows} 个，出自 {documents} 篇文章",
    "references_caption": "答案的检查结果",
    "reference.unanswerable": "文中没有答案的问题",
    "reference.absent": "答案不在文中的问题",
    "reference.byte_offsets": "位置按字节而非字符计算的参考答案，已改正",
    "reference.moved": "位置不对的参考答案，已改正",
    "reference.several_places": "在文中出现多次的参考答案，取第一处",
    "reference.apart": "不在文中的参考答案，只用于评分",
    "reference.off_borders": "起止不在词元边界上的答案",
    "answers_worst": "最差的回答",
    "answers_worst_caption": "与参考答案差别最大的测试问题，把握大的在前。下划线是参考答案，着色的是模型的回答。",
    "no_answer": "（没有答案）",
    "or": " / ",
    "question": "问题",
    "in_text": "在文中",
    "it_said": "模型回答",
    "baseline.overlap-sentence": "与问题最相近的句子",
    "baseline.overlap-clause": "与问题最相近的分句",
    "score.exact_match": "完全匹配",
    "score.answerable_f1": "F1（有答案）",
    "score.answerable_exact_match": "完全匹配（有答案）",
    "score.unanswerable_exact_match": "无答案而未作答",
}
