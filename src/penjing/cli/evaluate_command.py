"""``penjing evaluate``: the call, and which kind of model it goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penjing.cli import evaluate_options as of
from penjing.cli.evaluate_options import EvaluateCall
from penjing.cli.options import Encoding, Json, ModelFolder, Part
from penjing.errors import UsageError


def evaluate(
    model: ModelFolder,
    data: of.Data,
    text: of.Text = None,
    label: of.Label = "label",
    columns: of.Columns = None,
    encoding: Encoding = None,
    target: of.Target = "target",
    beside: of.Beside = None,
    user: of.User = "user",
    item: of.Item = "item",
    time: of.Time = "time",
    pairs_per_set: of.PairsPerSet = None,
    train: of.Train = None,
    question: of.Question = "question",
    answer: of.Answer = "answer",
    folder: of.Folder = None,
    encoder: of.Encoder = None,
    chosen: of.Chosen = "chosen",
    rejected: of.Rejected = "rejected",
    reference: of.Reference = None,
    resamples: of.Resamples = 1000,
    separator: of.Separator = None,
    part: Part = None,
    as_json: Json = False,
) -> None:
    """Score a model, each score with its 95% interval: on labelled rows, or a language model on texts or BLiMP."""
    # The options are the fields of the call, name for name.
    _measure(EvaluateCall(**locals()))


def _measure(call: EvaluateCall) -> None:
    from penjing.cli.evaluate import answers_with
    from penjing.cli.evaluate_language import is_language_model

    kind = "words" if is_language_model(call.model) else answers_with(call.model, call.part)
    _refuse_others(call, kind)
    _MEASURES.get(kind, _labels)(call)


def _refuse_others(call: EvaluateCall, kind: str) -> None:
    """Refuses options that are for other models."""
    options: tuple[tuple[tuple[str, ...], str, Mapping[str, object]], ...] = (
        (("words",), "language models", {"--pairs-per-set": call.pairs_per_set}),
        (("words", "continuation"), "models that learned texts", {"--train": call.train}),
        (("span",), "models that find answers", {"--folder": call.folder, "--encoder": call.encoder}),
        (("set",), "models that give several labels", {"--separator": call.separator}),
        (_PREFERENCES, "models that learned from preferences", {"--reference": call.reference}),
    )
    for kinds, whose, given in options:
        for option, value in given.items():
            if value is not None and kind not in kinds:
                what = f"{option} is for {whose}, and this is none"
                raise UsageError(what, where=str(call.model), do="Leave it out, or give the folder of such a model.")


def _words(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_language import show_language_scores

    rows = call.data, call.text or "text", call.names, call.encoding
    show_language_scores(call.model, *rows, call.train, call.pairs_per_set, call.resamples, as_json=call.as_json)


def _span(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_answers import QuestionCall, show_answer_scores

    columns = call.text or "context", call.question, call.answer, call.names
    asked = QuestionCall(call.data, *columns, call.folder, call.encoder, call.encoding)
    show_answer_scores(call.model, asked, call.resamples, part=call.part, as_json=call.as_json)


def _set(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_multilabel import show_multilabel_scores
    from penjing.data.label_cells import LabelRules

    rules = LabelRules(tuple(call.label.split(",")), empty="keep", separator=call.separator)
    rows = call.data, call.text or "text", rules, call.names, call.encoding
    show_multilabel_scores(call.model, *rows, call.resamples, as_json=call.as_json)


def _preferences(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_preferences import PreferenceColumns, show_preference_scores

    columns = call.text or "prompt", call.chosen, call.rejected, call.names
    compared = PreferenceColumns(call.data, *columns, call.reference, call.encoding)
    show_preference_scores(call.model, compared, call.resamples, as_json=call.as_json)


def _items(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_ranking import EventColumns, show_ranking_scores

    events = EventColumns(call.data, call.user, call.item, call.time, call.names, call.encoding)
    show_ranking_scores(call.model, events, call.resamples, as_json=call.as_json)


def _text(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_writing import PairColumns, show_writing_scores

    targets = tuple(call.target.split(","))
    pairs = PairColumns(call.data, call.text or "text", targets, call.names, call.beside, call.encoding)
    show_writing_scores(call.model, pairs, call.resamples, part=call.part, as_json=call.as_json)


def _continuation(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_generation import TextColumns, show_generation_scores

    given = TextColumns(call.data, call.text, call.given_target, call.names, call.train, call.encoding)
    show_generation_scores(call.model, given, call.resamples, as_json=call.as_json)


def _reply(call: EvaluateCall) -> None:
    from penjing.cli.evaluate_dialogues import DialogueColumns, show_dialogue_scores

    given = DialogueColumns(call.data, call.text or "messages", call.given_target, call.encoding)
    show_dialogue_scores(call.model, given, call.names, call.resamples, as_json=call.as_json)


def _labels(call: EvaluateCall) -> None:
    from penjing.cli.evaluate import show_scores

    rows = call.data, call.text or "text", call.label, call.names, call.encoding
    show_scores(call.model, *rows, call.resamples, part=call.part, as_json=call.as_json)


_PREFERENCES = ("preferred text", "preferred reply")

# What a model answers with → what measures it; a label's is the rest.
_MEASURES: Mapping[str, Callable[[EvaluateCall], None]] = {
    "words": _words,
    "span": _span,
    "set": _set,
    "items": _items,
    "text": _text,
    "continuation": _continuation,
    "reply": _reply,
    **dict.fromkeys(_PREFERENCES, _preferences),
}
