"""The words of the report of a model of several tasks, in Chinese."""

from __future__ import annotations

MULTI_CHINESE: dict[str, str] = {
    "task.multi": "多任务",
    "multi_lede": "一个 {parameters} 参数的模型（{family}）承担 {count} 项任务：凭模板区分任务，答案一律写出。",
    "multi_loss_chart": "微调损失；验证损失取各任务的平均",
    "mix": "任务如何混合",
    "mix_caption": "每项任务在训练中的占比、数据条数，以及所留权重在其验证集上的损失（每词元，nat）。"
    "所留的是这些损失平均最低的权重。",
    "part": "任务",
    "mix_share": "占比",
    "mix_rows_an_epoch": "每轮条数",
    "mix_loss": "验证损失",
    "mix_between": "因文本出现在别的任务的验证集或测试集中，或含有其中的文本，而未用于训练的数据：{count} 条。",
    "part_sentence": "任务：{task}。读入：{template}",
}
