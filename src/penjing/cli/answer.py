"""``penjing answer``: a question over a folder of documents, answered with where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.data.sources import locate_package_folder
from penjing.errors import UsageError

_AROUND = 60  # characters


@dataclass(frozen=True)
class DocumentCall:
    """Where answers are looked for.

    Attributes:
        folder: of documents.
        encoder: a model folder whose vectors are searched too, or package:NAME/folder.
        index: where the index is kept; None: beside the folder.
        passages: how many are read for a question.
        part: of a model of several tasks; None: the only one.
    """

    folder: Path
    encoder: Path | None
    index: Path | None
    passages: int
    part: str | None = None


def find_encoder(given: Path | None) -> Path | None:
    """Returns the folder of an encoder, which may be package:NAME/folder.

    Raises:
        RecipeError: the package is not installed.
    """
    return locate_package_folder(str(given)) if given is not None and str(given).startswith("package:") else given


def show_cited_answers(model_folder: Path, call: DocumentCall, question: str, most: int, *, as_json: bool) -> None:
    """Answers a question over a folder; every answer says file, characters and passage."""
    if not question.strip():
        raise UsageError("the question is empty", do="Ask something.")
    # These bring torch, which a wrong call need not wait for.
    from penjing.tasks.document_answers import DocumentReader, as_answering
    from penjing.tasks.loading import load_part
    from penjing.tasks.passage_index import index_folder

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = as_answering(load_part(model_folder, call.part))
        index = index_folder(call.folder, progress, encoder=find_encoder(call.encoder), place=call.index)
        for name, why in index.left_out.items():
            progress.say(f"left out: {name} ({why})")
        answers = DocumentReader(model, index, call.passages).answer(question, most)
    if as_json:
        print_json({"question": question, "answers": [answer.to_dict() for answer in answers]})
        return
    console = result_console()
    if not answers:
        console.print("No passage answers the question.")
    for answer in answers:
        start, end = answer.start - answer.passage_start, answer.end - answer.passage_start
        before, after = answer.passage[max(0, start - _AROUND) : start], answer.passage[end : end + _AROUND]
        console.print(Text(answer.answer, style="bold"), soft_wrap=True)
        where = f"  {answer.file}, characters {answer.start:,} to {answer.end:,}"
        console.print(f"{where}; passage {answer.passage_rank}, {answer.probability:.1%} sure", soft_wrap=True)
        shown = Text(f"  …{' '.join(before.split())}")
        console.print(shown.append(answer.answer, style="bold").append(f"{' '.join(after.split())}…"), soft_wrap=True)
