"""``/v1/tasks``: a path for each of the eight applications; the command line's ``penjing predict`` is the same call."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Response

from penjing.serve.batcher import BatcherFullError
from penjing.serve.context import Context, ServeContext
from penjing.serve.failures import RequestError, busy
from penjing.serve.settings import Limits
from penjing.serve.tasks.answers import AnswerAnswer, AnswerBody, answer_questions, cite_answers
from penjing.serve.tasks.items import ItemAnswer, ItemBody, rank_items
from penjing.serve.tasks.kinds import check_path
from penjing.serve.tasks.labels import LabelAnswer, LabelBody, label_texts
from penjing.serve.tasks.replies import ReplyBody, reply_to
from penjing.serve.tasks.shape import Body, Work, WritingBody, part_of
from penjing.serve.tasks.texts import TextAnswer, TextBody, write_texts
from penjing.tasks.model import Model

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.post("/classify", response_model=LabelAnswer)
async def classify(context: Context, body: LabelBody) -> Response:
    """Labels texts: one label each, or any number, as the model does."""
    return await answer_task(context, "classify", body, label_texts)


@router.post("/sentiment", response_model=LabelAnswer)
async def sentiment(context: Context, body: LabelBody) -> Response:
    """Says how texts, or their sentences, feel: by labels, stars, or a scale."""
    return await answer_task(context, "sentiment", body, label_texts)


@router.post("/translate", response_model=TextAnswer)
async def translate(context: Context, body: TextBody) -> Response:
    """Translates texts."""
    return await answer_task(context, "translate", body, write_texts)


@router.post("/summarize", response_model=TextAnswer)
async def summarize(context: Context, body: TextBody) -> Response:
    """Summarizes texts."""
    return await answer_task(context, "summarize", body, write_texts)


@router.post("/generate", response_model=TextAnswer)
async def generate(context: Context, body: TextBody) -> Response:
    """Goes on with texts."""
    return await answer_task(context, "generate", body, write_texts)


@router.post("/answer", response_model=AnswerAnswer)
async def answer(context: Context, body: AnswerBody) -> Response:
    """Answers questions by words of a text, or of documents, which are cited."""
    if body.documents is None:
        return await answer_task(context, "answer", body, answer_questions)
    index = await context.shelf.open(body.documents)
    return await answer_task(context, "answer", body, lambda model, asked: cite_answers(model, index, asked))


@router.post("/chat", response_model=TextAnswer)
async def chat(context: Context, body: ReplyBody) -> Response:
    """Replies in dialogues."""
    return await answer_task(context, "chat", body, reply_to)


@router.post("/recommend", response_model=ItemAnswer)
async def recommend(context: Context, body: ItemBody) -> Response:
    """Says what may come next after histories of items."""
    return await answer_task(context, "recommend", body, rank_items)


async def answer_task(context: ServeContext, path: str, body: Body, work_of: Callable[[Any, Any], Work]) -> Response:
    """Answers a request at a path.

    Args:
        context: of the server.
        path: the last part of it.
        body: of the request.
        work_of: says what is to be computed, by model and body.

    Raises:
        RequestError: there is no such model, it is for something else, or too much is asked.
        PenjingError: a text cannot be answered.
    """

    def checked(model: Model) -> Work:
        check_path(model, path, body.model)
        return work_of(model, body)

    return await compute_work(context, body, checked)


async def compute_work(context: ServeContext, body: Body, work_of: Callable[[Any], Work]) -> Response:
    """Computes what a request asks of the part of a model that it names, and returns the response."""
    async with context.pool.use(body.model) as served:
        if served.facts.task is None:
            what = f"The model {body.model} was not fine-tuned for a task. Ask it at /v1/completions."
            raise RequestError(400, what, param="model", code="wrong_task")
        model = part_of(await served.task_model(), body.part)
        work = work_of(model)
        check_size(body, work, context.settings.limits)
        try:
            results = await served.batcher.run((id(model), *work.key), work.compute, work.rows)
        except BatcherFullError as error:
            raise busy(str(error)) from error
    return respond({"model": body.model, "task": model.task.name, "results": as_json(results)})


def check_size(body: Body, work: Work, limits: Limits) -> None:
    """Refuses what is too much for one request.

    Raises:
        RequestError: it is.
    """
    if len(work.rows) > limits.rows:
        what = f"{len(work.rows):,} texts are more than the {limits.rows:,} of one request."
        raise RequestError(400, what, param="input")
    if isinstance(body, WritingBody) and (body.max_tokens or 0) > limits.output_tokens:
        what = f"max_tokens is {body.max_tokens:,}, and this server gives {limits.output_tokens:,} at most."
        raise RequestError(400, what, param="max_tokens")


def as_json(results: Sequence[Any]) -> list[Any]:
    """Returns predictions as JSON values."""
    return [item if isinstance(item, dict) else item.to_dict() for item in results]


def respond(value: dict[str, Any]) -> Response:
    """Returns values as a response; they are the model's own, and are not checked again."""
    return Response(json.dumps(value, ensure_ascii=False, allow_nan=False), media_type="application/json")
