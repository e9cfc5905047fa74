"""How probable replies are: in batches as one by one, and how much they have to do with what was said."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.data.messages import Message
from penjing.errors import DataError
from penjing.evaluate.dialogues import DialogueMeasures, choose_cache, evaluate_dialogues
from penjing.evaluate.exchanges import Asked, Exchange, draw_questions, list_exchanges
from penjing.evaluate.reply_cache import SHARES
from penjing.evaluate.reply_reading import ReplyReader
from penjing.inference.choosing import measure_choices
from penjing.inference.writing_settings import WritingSettings
from penjing.models.llama import LlamaForCausalLM, initialize
from penjing.models.llama_config import LlamaConfig
from penjing.progress import Silent
from penjing.tasks.chat import CHAT
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.task import ReplyChoice
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, ChatTemplate
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

WORDS = ["hello", "there", "what", "films", "好的", "no", "rain", "and", "sun"]
WINDOW = 48


@pytest.fixture(scope="module")
def model() -> DialogueModel:
    settings = TokenizerSettings(kind="bpe", vocab_size=330, reserved=4)
    tokenizer = train_tokenizer([[" ".join(WORDS)] * 3], settings).name_reserved(MARKS)
    template = ChatTemplate(DEFAULT_TEMPLATE, {"bos_token": "[CLS]", "eos_token": "[SEP]"})
    config = LlamaConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=WINDOW,
    )
    network = LlamaForCausalLM(config)
    initialize(network, config, 0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(4)  # so that what was said matters
    renderer = DialogueRenderer(tokenizer, template, WINDOW)
    return DialogueModel(Path(), {}, CHAT, renderer, network.eval(), WritingSettings())


def make_dialogues(count: int) -> list[list[Message]]:
    rng = np.random.default_rng(0)

    def say(most: int) -> str:
        return " ".join(rng.choice(WORDS, rng.integers(1, most)))

    return [
        [
            Message(role, say(5 if role == "user" else 7))
            for _ in range(rng.integers(2, 8))
            for role in ("user", "assistant")
        ]
        for _ in range(count)
    ]


def measure(model: DialogueModel, exchange: Exchange, text: str, room: int) -> float:
    reply = model.renderer.render_reply(text)
    prompt = model.renderer.render_prompt(exchange.before, room)
    return float(measure_choices(model.network, [prompt.ids], [reply], model.renderer.tokenizer.pad_id)[0, 0])


def test_replies_are_read_in_batches_as_one_by_one_and_those_without_room_are_left_out(model: DialogueModel) -> None:
    exchanges = list_exchanges([*make_dialogues(12), [Message("user", "hello " * 60), Message("assistant", "no")]])
    read = ReplyReader(model).surprise(exchanges, Silent())
    assert [exchange for exchange, _, _ in read] == exchanges[:-1]
    assert any(model.renderer.render_prompt(exchange.before, 1).dropped for exchange in exchanges[:-1])
    for exchange, nats, tokens in read:
        assert tokens == len(model.renderer.render_reply(exchange.reply))
        assert nats == pytest.approx(-measure(model, exchange, exchange.reply, tokens), abs=1e-3)


def test_a_reply_counts_by_what_it_is_likelier_than_after_what_others_said(model: DialogueModel) -> None:
    reader = ReplyReader(model)
    exchanges = [exchange for exchange in list_exchanges(make_dialogues(30)) if reader.is_askable(exchange)]
    asked = draw_questions(exchanges, candidates=3, most=10, seed=0)
    drawn = {
        exchanges[place].dialogue: exchanges[place]
        for place in np.random.default_rng(5).permutation(len(exchanges))[::-1]
    }
    order = [exchanges[place].dialogue for place in np.random.default_rng(5).permutation(len(exchanges))]
    elsewhere = [drawn[dialogue] for dialogue in list(dict.fromkeys(order))[:16]]
    owners = {exchange.reply: set[int]() for exchange in exchanges}
    for exchange in exchanges:
        owners[exchange.reply].add(exchange.dialogue)
    read = reader.read(asked, exchanges, 5, Silent())
    for exchange, question, ratings in zip(asked.exchanges, asked.questions, read.rate(), strict=True):
        theirs = set().union(*(owners[text] for text in question.candidates))
        others = [other for other in elsewhere if other.dialogue not in theirs]
        assert others
        room = max(len(model.renderer.render_reply(text)) for text in question.candidates)
        for text, rating in zip(question.candidates, ratings, strict=True):
            usual = [measure(model, other, text, WINDOW // 2) for other in others]
            # The reply's probability whatever was said: the mean of those after what others said.
            whatever = math.log(float(np.mean(np.exp(usual))))
            assert rating == pytest.approx(measure(model, exchange, text, room) - whatever, abs=1e-3)


def test_beside_a_cache_each_token_counts_by_what_both_say_of_it(model: DialogueModel) -> None:
    exchanges = list_exchanges(make_dialogues(8))
    reader, share = ReplyReader(model), 0.3
    asked = draw_questions(exchanges, candidates=3, most=4, seed=0)
    read = reader.read(asked, exchanges, 0, Silent())
    for exchange, question, found in zip(asked.exchanges, asked.questions, read.found, strict=True):
        room = max(len(model.renderer.render_reply(text)) for text in question.candidates)
        prompt = model.renderer.render_prompt(exchange.before, room).ids
        weights = dict[int, float]()  # of each token that was said, its age halving it every 40
        for place, token in enumerate(prompt):
            if token not in model.renderer.tokenizer.added_ids:
                weights[token] = weights.get(token, 0) + 0.5 ** ((len(prompt) - 1 - place) / 40)
        for text, logarithm in zip(question.candidates, found.add_up(share), strict=True):
            reply, expected = model.renderer.render_reply(text), 0.0
            for place, token in enumerate(reply):
                with torch.inference_mode():
                    hidden = model.network.encode(torch.tensor([[*prompt, *reply[:place]]]), None)
                    said = model.network.score(hidden)[0, -1].double().softmax(-1)[token].item()
                expected += math.log((1 - share) * said + share * weights.get(token, 0) / sum(weights.values()))
            assert logarithm == pytest.approx(expected, abs=1e-3)


def test_the_share_of_the_cache_is_the_least_of_those_that_find_most(model: DialogueModel) -> None:
    dialogues = make_dialogues(12)
    echoes = [
        [said for asked in messages[::2] for said in (asked, Message("assistant", asked.content))]
        for messages in dialogues
    ]
    chosen = set[float]()
    for asked in (dialogues, echoes):
        measures = DialogueMeasures(candidates=4, resamples=2)
        found = {
            share: evaluate_dialogues(model, asked, replace(measures, cache=share), Silent())[2].sum()
            for share in SHARES
        }
        share = choose_cache(model, asked, measures, Silent())
        assert share == min(each for each in SHARES if found[each] == max(found.values()))
        chosen.add(share)
    assert max(chosen) > 0
    for few in ([], dialogues[:1]):
        assert choose_cache(model, few, DialogueMeasures(), Silent()) == 0.0


def test_what_was_said_everywhere_makes_all_replies_alike(model: DialogueModel) -> None:
    dialogues = [
        [Message("user", "what"), Message("assistant", text)] for text in ("no", "films and rain", "hello there")
    ]
    exchanges = list_exchanges(dialogues)
    questions = [ReplyChoice(exchange.said, [exchange.reply, "no", "sun"]) for exchange in exchanges[1:]]
    pool = [*exchanges, Exchange(3, exchanges[0].before, "sun")]
    for ratings in ReplyReader(model).read(Asked(exchanges[1:], questions), pool, 0, Silent()).rate():
        assert ratings == pytest.approx(np.zeros(3), abs=1e-4)


def test_where_no_reply_fits_that_is_said(model: DialogueModel) -> None:
    long = list_exchanges([[Message("user", "hello " * 60), Message("assistant", "no")]])
    with pytest.raises(DataError, match="no reply fits into the model's window"):
        ReplyReader(model).surprise(long, Silent())
