"""The words of the report about practice, in Chinese."""

from __future__ import annotations

PRACTICE_CHINESE: dict[str, str] = {
    "stage.exercises": "练习题",
    "stage.practice_rows": "练习题的数据",
    "stage.practice_examples": "练习题的词元",
    "stage.practice": "练习",
    "course.write_off": "练习：抄写句子",
    "course.find": "练习：找出关键句",
    "course.cloze": "练习：由文本编成的问题",
    "practiced": "由文本编成的 {exercises} 道题，{tokens} 个词元，{steps} 步，{time}",
    "practiced_right": "留出的题上 {right} 的词元正确",
    "practiced_places": "留出的题上 {right} 的答案完全正确",
}
