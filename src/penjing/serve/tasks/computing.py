"""Answers of task models, computed together with those of other requests; all paths of ``/v1/tasks`` come here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Response

from penjing.serve.account import Account
from penjing.serve.batcher import BatcherFullError
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError, busy
from penjing.serve.served import ServedModel
from penjing.serve.settings import Limits
from penjing.serve.tasks.kinds import check_path
from penjing.serve.tasks.shape import Body, Work, part_of
from penjing.serve.tasks.weighing import weigh_rows
from penjing.tasks.card import card_task
from penjing.tasks.model import Model
from penjing.tasks.task import Task


async def answer_task(
    context: ServeContext, account: Account, path: str, body: Body, work_of: Callable[[Any, Any], Work]
) -> Response:
    """Answers a request at a path.

    Args:
        context: of the server.
        account: of the request.
        path: the last part of it.
        body: of the request.
        work_of: says what is to be computed, by model and body.

    Raises:
        RequestError: there is no such model, it is for something else, or too much is asked.
        PenjingError: a text cannot be answered.
    """

    def checked(model: Model) -> Work:
        check_path(model.task, path, body.model)
        return work_of(model, body)

    return await compute_work(context, account, body, checked)


async def compute_work(context: ServeContext, account: Account, body: Body, work_of: Callable[[Any], Work]) -> Response:
    """Computes what a request asks of the part of a model that it names, and returns the response."""
    account.model = context.pool.peek(body.model).name
    async with context.pool.use(body.model) as served:
        task_of(served, body.model)
        model: Any = part_of(await served.task_model(), body.part)
        work = work_of(model)
        limits, batcher = context.settings.limits, served.batcher
        check_rows(len(work.rows), limits)
        tokens = await weigh_rows(work.weigh, model.renderer.tokenizer, limits, work.param)
        with refusing_when_full():
            results = await batcher.run(
                (id(model), *work.key), lambda rows: work.compute(rows, batcher.progress), work.rows, tokens
            )
    return respond({"model": body.model, "task": model.task.name, "results": as_json(results)})


def task_of(served: ServedModel, name: str) -> Task:
    """Returns what a model was fine-tuned for.

    Args:
        served: it.
        name: what the client calls it.

    Raises:
        RequestError: for nothing.
        ModelFolderError: there is no such task here.
    """
    if served.facts.task is None:
        what = f"The model {name} was not fine-tuned for a task. Ask it at /v1/completions."
        raise RequestError(400, what, param="model", code="wrong_task")
    return card_task(served.card, served.folder)


def check_rows(count: int, limits: Limits) -> None:
    """Refuses more rows than one request may have.

    Raises:
        RequestError: there are.
    """
    if count > limits.rows:
        what = f"{count:,} texts are more than the {limits.rows:,} of one request."
        raise RequestError(400, what, param="input")


@contextmanager
def refusing_when_full() -> Iterator[None]:
    """Tells a client to come again where too much waits for a model.

    Raises:
        RequestError: it does (429).
    """
    try:
        yield
    except BatcherFullError as error:
        raise busy(str(error)) from error


def as_json(results: Sequence[Any]) -> list[Any]:
    """Returns predictions as JSON values."""
    return [item if isinstance(item, dict) else item.to_dict() for item in results]


def respond(value: dict[str, Any]) -> Response:
    """Returns values as a response; they are the model's own, and are not checked again."""
    return Response(json.dumps(value, ensure_ascii=False, allow_nan=False), media_type="application/json")
