"""What a server counts, for Prometheus; each server has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Gauges:
    """Counters of requests and tokens.

    Attributes:
        requests: answered, by route, method and status.
        seconds: time of answers, by route.
        refused: requests that were not taken on, by reason.
        tokens: by model and kind (``prompt``, ``cached``, ``written``).
        in_flight: requests that are worked on.
        first_token: time until the first token of a text, by model.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "penjing_requests", "Requests that were answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "penjing_request_seconds", "Time of answers.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.refused = Counter("penjing_refused", "Requests that were not taken on.", ["reason"], registry=registry)
        self.tokens = Counter("penjing_tokens", "Tokens read and written.", ["model", "kind"], registry=registry)
        self.in_flight = Gauge("penjing_requests_in_flight", "Requests that are worked on.", registry=registry)
        self.first_token = Histogram(
            "penjing_first_token_seconds",
            "Time to first token.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )

    def page(self) -> bytes:
        """Returns all of it in the text format of Prometheus."""
        return generate_latest(self.registry)
