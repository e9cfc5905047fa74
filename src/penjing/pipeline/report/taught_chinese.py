"""The words of the report about learning from teachers, in Chinese."""

from __future__ import annotations

TAUGHT_CHINESE: dict[str, str] = {
    "stage.unlabelled": "无标签文本",
    "stage.teach": "教师的回答",
    "teacher": "教师 {number}",
    "all_teachers": "全部教师合议",
    "teacher_of": "{family}，{parameters}参数，是本模型的 {times} 倍",
    "teacher_knew": "它学过测试数据中的 {count} 条：它的分数偏高，本模型的也可能偏高",
    "taught": "向教师学习",
    "taught_by": "占损失的 {weight}，温度 {temperature}",
    "taught_by_steps": "每次预测的损失（nat），横轴为步数；训练线含标签与教师两部分，验证线只含标签",
    "words_taught_by_steps": "每次预测的损失（nat），横轴为步数；训练线含词元与教师两部分，验证线只含词元",
    "answers_taught_by_steps": "答案每一端的损失（nat），横轴为步数；训练线含答案与教师两部分，验证线只含答案",
    "written_by_steps": "每次预测教师所写文本的损失（nat），横轴为步数",
    "targets": "教师写的目标",
    "targets.learned": "学了 {count} 个",
    "targets.unfinished": "没有写完、不学的 {count} 个",
    "targets.empty": "空的、不学的 {count} 个",
    "targets_beside": "与真实的目标一起学",
    "targets_instead": "代替真实的目标",
    "unlabelled_texts": "无标签文本",
    "unlabelled_of": "{read} 篇中取 {texts} 篇",
    "unlabelled.empty": "{count} 篇为空",
    "unlabelled.in_evaluation": "{count} 篇与验证或测试数据相同，已剔除",
    "unlabelled.containing_evaluation": "{count} 篇含有验证或测试文本，已剔除",
    "unlabelled.in_training": "{count} 篇与训练数据相同，已剔除",
    "unlabelled.removed": "{count} 篇按编号移除",
    "unlabelled.duplicates": "{count} 篇重复",
    "unlabelled.left_out": "{count} 篇未抽中",
}
