"""What a server counts, for Prometheus; each server has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from penjing.inference.decoding.request import EngineStats

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

_ENGINE = {
    "texts": "Texts that are written now.",
    "waiting": "Texts that wait for their turn.",
    "prompt_tokens": "Tokens of prompts that were read.",
    "cached_tokens": "Tokens of prompts that were known from before.",
    "written_tokens": "Tokens that were written.",
    "blocks": "Blocks of keys and values that there is room for.",
    "blocks_used": "Those that texts hold now.",
}


class Gauges:
    """Counters of requests and tokens.

    Attributes:
        requests: answered, by route, method, status and model; empty: of none, or of one that is not here.
        seconds: time of answers, by route and model.
        refused: requests that were not taken on, by reason.
        tokens: by model and kind (``prompt``, ``cached``, ``written``).
        in_flight: requests that are worked on.
        engine: what engines do, and have done since they were loaded, by model.
        first_token: time until the first token of a text, by model.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "penjing_requests",
            "Requests that were answered.",
            ["route", "method", "status", "model"],
            registry=registry,
        )
        self.seconds = Histogram(
            "penjing_request_seconds", "Time of answers.", ["route", "model"], buckets=_SECONDS, registry=registry
        )
        self.refused = Counter("penjing_refused", "Requests that were not taken on.", ["reason"], registry=registry)
        self.tokens = Counter("penjing_tokens", "Tokens read and written.", ["model", "kind"], registry=registry)
        self.in_flight = Gauge("penjing_requests_in_flight", "Requests that are worked on.", registry=registry)
        self.engine = {
            name: Gauge(f"penjing_engine_{name}", about, ["model"], registry=registry)
            for name, about in _ENGINE.items()
        }
        self._engines = set[str]()  # models whose engines were told of
        self.first_token = Histogram(
            "penjing_first_token_seconds",
            "Time to first token.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )

    def tell_engine(self, model: str, stats: EngineStats | None) -> None:
        """Takes down what the engine of a model does now; None: none is in memory, and of one that was all is 0."""
        if stats is not None:
            self._engines.add(model)
        elif model in self._engines:
            stats = EngineStats(0, 0, 0, 0, 0, 0, 0)
        else:
            return
        values = {
            "texts": stats.active,
            "waiting": stats.waiting,
            "prompt_tokens": stats.prompt_tokens,
            "cached_tokens": stats.cached_tokens,
            "written_tokens": stats.written_tokens,
            "blocks": stats.blocks,
            "blocks_used": stats.blocks_used,
        }
        for name, value in values.items():
            self.engine[name].labels(model).set(value)

    def page(self) -> bytes:
        """Returns all of it in the text format of Prometheus."""
        return generate_latest(self.registry)
