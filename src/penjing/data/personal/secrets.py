"""Secrets that open something: keys and tokens of services, by the forms that these publish."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penjing.data.personal.finding import Span

_SECRET = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
        (?:AKIA|ASIA)[0-9A-Z]{16}                                   # AWS
        | gh[pousr]_[A-Za-z0-9]{36,255} | github_pat_\w{22,255}     # GitHub
        | glpat-[\w-]{20,}                                          # GitLab
        | hf_[A-Za-z0-9]{30,}                                       # Hugging Face
        | sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}                      # OpenAI, Anthropic
        | sk_live_[A-Za-z0-9]{16,}                                  # Stripe
        | xox[abprs]-[A-Za-z0-9-]{10,}                              # Slack
        | AIza[\w-]{35}                                             # Google
        | eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}                     # JSON Web Token, RFC 7519
    )(?![A-Za-z0-9_-])
    | -----BEGIN\ [A-Z ]{0,20}PRIVATE\ KEY-----[\s\S]{0,10000}?-----END\ [A-Z ]{0,20}PRIVATE\ KEY-----""",
    re.VERBOSE | re.ASCII,
)


def find_secrets(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds keys and tokens."""
    for match in _SECRET.finditer(text):
        yield match.start(), match.end(), match[0]
