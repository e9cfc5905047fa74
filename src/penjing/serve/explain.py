"""``/v1/explain``: which words an answer rests on; the command line's ``penjing explain`` is the same call."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from penjing.errors import UsageError
from penjing.explain.attribution import Attribution
from penjing.explain.explaining import find_method
from penjing.explain.faithfulness import SHARES
from penjing.explain.stopping import stopping
from penjing.progress import Progress
from penjing.serve.account import Remembered
from penjing.serve.context import Context
from penjing.serve.failures import RequestError
from penjing.serve.tasks.computing import compute_work
from penjing.serve.tasks.shape import Answer, Body, Rows, Text, Work, listed
from penjing.serve.tasks.weighing import Count, Weight
from penjing.tasks.model import Model
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.tables import texts_of

router = APIRouter(prefix="/v1", tags=["explain"])
_DELETIONS = 2 + 2 * len(SHARES)  # readings by which an explanation is measured, and the answer itself


class ExplainBody(Body):
    """Texts whose answers are to be explained."""

    input: Text | Rows = Field(description="a text, or several")
    label: str | None = Field(
        None,
        description="the label that is explained; left out: the model's answer, or of several labels the likeliest",
    )
    method: str | None = Field(
        None,
        description="integrated_gradients, occlusion, attention_rollout or random; left out: the first that is "
        "installed here",
    )


class WordResult(BaseModel):
    """A word and its share in the answer."""

    word: str
    start: int = Field(description="its first character in the text")
    end: int = Field(description="one past its last")
    score: float = Field(description="above 0 it speaks for the label, below against it")


class ExplainResult(BaseModel):
    """Why a text got its label."""

    text: str
    label: str
    probability: float
    method: str
    words: list[WordResult]
    completeness_error: float | None
    comprehensiveness: float
    sufficiency: float
    not_read: list[tuple[int, int]] = Field(description="parts of the text beyond the model's window")


class ExplainAnswer(Answer):
    """An explanation for each text, in order."""

    results: list[ExplainResult]


@router.post("/explain", response_model=ExplainAnswer)
async def explain(context: Context, account: Remembered, body: ExplainBody) -> Response:
    """Says which words an answer rests on."""
    return await compute_work(context, account, body, lambda model: explain_texts(model, body))


def explain_texts(model: Model, body: ExplainBody) -> Work:
    """Returns what is to be computed.

    Raises:
        RequestError: the model gives no labels.
        UsageError: there is no such method or label, or a text is empty.
    """
    if not isinstance(model, ScoringModel):
        what = f"Words are weighed for models that give labels; {body.model} is for the task {model.task.name}."
        raise RequestError(400, what, param="model", code="wrong_task")
    texts, method = texts_of(listed(body.input), "text"), body.method or usual_method()
    if body.label is not None and body.label not in model.labels:
        known = ", ".join(model.labels[:20])
        raise UsageError(f'the model has no label "{body.label}"', where="label", do=f"Its labels are {known}.")

    window, passes = model.renderer.settings.max_tokens, find_method(method).passes

    def compute(rows: Sequence[str], progress: Progress) -> list[Attribution]:
        with stopping(model, progress) as asked:
            return [asked.explain(text, method=method, label=body.label) for text in rows]

    def weigh(count: Count) -> list[Weight]:
        sizes = [(tokens, min(tokens, window)) for tokens in map(count, texts)]
        # What belongs to which word is kept for each word and each token that is read, so that counts, too.
        return [Weight(tokens, tokens * max(passes(read) + _DELETIONS, read)) for tokens, read in sizes]

    return Work(("explain", body.part, method, body.label), compute, texts, weigh)


def usual_method() -> str:
    """Returns integrated gradients where captum is installed, which they need, and occlusion elsewhere."""
    return "integrated_gradients" if find_spec("captum") else "occlusion"
