"""``/v1/tasks``: a path for each of the eight applications; the command line's ``penjing predict`` is the same call."""

from __future__ import annotations

from fastapi import APIRouter, Response

from penjing.serve.account import Remembered
from penjing.serve.context import Context
from penjing.serve.tasks.answers import AnswerAnswer, AnswerBody, answer_questions, cite_answers
from penjing.serve.tasks.computing import answer_task
from penjing.serve.tasks.items import ItemAnswer, ItemBody, rank_items
from penjing.serve.tasks.labels import LabelAnswer, LabelBody, label_texts
from penjing.serve.tasks.replies import ReplyBody
from penjing.serve.tasks.texts import TextAnswer, TextBody
from penjing.serve.tasks.writing import STREAMED, Call, write_task

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.post("/classify", response_model=LabelAnswer)
async def classify(context: Context, account: Remembered, body: LabelBody) -> Response:
    """Labels texts: one label each, or any number, as the model does."""
    return await answer_task(context, account, "classify", body, label_texts)


@router.post("/sentiment", response_model=LabelAnswer)
async def sentiment(context: Context, account: Remembered, body: LabelBody) -> Response:
    """Says how texts, or their sentences, feel: by labels, stars, or a scale."""
    return await answer_task(context, account, "sentiment", body, label_texts)


@router.post("/translate", response_model=TextAnswer, responses=STREAMED)
async def translate(context: Context, account: Remembered, body: TextBody) -> Response:
    """Translates texts; with ``stream`` as server-sent events, piece by piece."""
    return await write_task(Call(context, account, "translate", body))


@router.post("/summarize", response_model=TextAnswer, responses=STREAMED)
async def summarize(context: Context, account: Remembered, body: TextBody) -> Response:
    """Summarizes texts; with ``stream`` as server-sent events, piece by piece."""
    return await write_task(Call(context, account, "summarize", body))


@router.post("/generate", response_model=TextAnswer, responses=STREAMED)
async def generate(context: Context, account: Remembered, body: TextBody) -> Response:
    """Goes on with texts; with ``stream`` as server-sent events, piece by piece."""
    return await write_task(Call(context, account, "generate", body))


@router.post("/answer", response_model=AnswerAnswer)
async def answer(context: Context, account: Remembered, body: AnswerBody) -> Response:
    """Answers questions by words of a text, or of documents, which are cited."""
    if body.documents is None:
        return await answer_task(context, account, "answer", body, answer_questions)
    index = await context.shelf.open(body.documents)
    return await answer_task(context, account, "answer", body, lambda model, asked: cite_answers(model, index, asked))


@router.post("/chat", response_model=TextAnswer, responses=STREAMED)
async def chat(context: Context, account: Remembered, body: ReplyBody) -> Response:
    """Replies in dialogues; with ``stream`` as server-sent events, piece by piece."""
    return await write_task(Call(context, account, "chat", body))


@router.post("/recommend", response_model=ItemAnswer)
async def recommend(context: Context, account: Remembered, body: ItemBody) -> Response:
    """Says what may come next after histories of items."""
    return await answer_task(context, account, "recommend", body, rank_items)
