"""The words of the page about a search for settings, in Chinese."""

from __future__ import annotations

TUNE_CHINESE: dict[str, str] = {
    "tune_title": "{name} 的调参",
    "tune_kicker": "盆景 · 调参",
    "tune_best": "第 {number} 次试验最好：{measure} {score}。",
    "tune_counts": "共 {count} 次试验：{parts}。",
    "tune_state.complete": "完成 {count} 次",
    "tune_state.pruned": "提前结束 {count} 次",
    "tune_state.failed": "失败 {count} 次",
    "tune_state.waiting": "未做完 {count} 次",
    "tune_once": "各次试验只用验证集比较，最好的一次在验证集上的得分因此偏高，不能当作它今后的表现。"
    "测试集只在搜索结束后、只对最好的一次测量了一次；要让测试得分仍有意义，就不要用它来挑选。",
    "tune_measure.validation_accuracy": "验证集准确率",
    "tune_measure.validation_loss": "验证集损失",
    "tune_test": "测试集，只测一次",
    "tune_course": "搜索的经过",
    "tune_course_note": "每个圆点是一次做完的试验，大的是最好的一次。底部的小点是提前结束或失败的试验。",
    "tune_by_trial": "按试验先后，连线为至此最好",
    "tune_importance": "哪些设置起作用",
    "tune_importance_note": "各设置能解释的得分方差所占比例，只看做完的试验（fANOVA）；试验少时只是提示",
    "tune_history_alternative": "完成 {count} 次试验；最好的是第 {number} 次，{best}。",
    "tune_slice_alternative": "得分与 {setting} 的关系；最好的一次取 {value}。",
    "tune_trials": "全部试验",
    "tune_trial": "试验",
    "tune_time": "用时",
    "tune_ended": "在第 {evaluation} 次验证后提前结束",
    "tune_waits": "再给时间、运行同一命令即可继续",
}
