"""A thousand texts on which tokenizers are compared; the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable

COUNT = 1000
_ENGLISH = """
the film was not what I'd hoped, it's a pity they didn't see that we'll leave early and you're late naïve café coöperate
résumé Straße Ångström can’t won’t O'Neill's 3rd 1990s e-mail state-of-the-art
""".split()  # noqa: SIM905 - shorter so
_CHINESE = "这部电影的画面很美，但剧情拖沓；我们昨天在北京看了三个小时。龘靐齉爩𠮷𡈽㐂々〇「」《》、！？"
_OTHERS = (
    *("Привет, мир! Это — проверка.", "Γειά σου Κόσμε", "مرحبا بالعالم ١٢٣", "שלום עולם", "नमस्ते दुनिया", "สวัสดีชาวโลก"),
    *("こんにちは世界カタカナー", "안녕하세요 세계", "Xin chào thế giới", "ქართული", "አማርኛ", "မြန်မာ", "தமிழ்", "ខ្មែរ"),
    *("e\u0301a\u0308o\u0302 decomposed", "\u1e9b\u0323 ﬁ ﬂ ℌ ① ½ ² ₃", "Z̶̡͝a̵l̷g̸o̴", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛"),
)
_EMOJI = ("😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇳", "❤️", "☃", "🧑🏿‍🚀", "#️⃣", "©", "™", "🫠")
_CODE = (
    "def f(x: int) -> int:\n    return x**2 + 1  # square\n",
    "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i];\n}\n",
    "SELECT * FROM t WHERE a = 'it''s' AND b <> \"x\";",
    '{"a": [1, 2.5e-3, null, true], "b": "\\u00e9\\n"}',
    "<div class='a'>\n  <br/>&nbsp;&amp;</div>\r\n",
    "https://example.com/a/b?c=d&e=%20f#g 192.168.0.1 user@host.org C:\\Windows\\x.txt",
    "$\\frac{\\partial f}{\\partial x} \\leq \\sum_{i=1}^{n} x_i^2$",
)
_SPACES = (
    *(" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n ", "\u00a0", "\u3000", "\u2003", "\u200b", "\ufeff", "\v\f"),
)
_CONTROL = (
    *("\x00", "\x01", "\x07", "\x08", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\ufffd", "\ufffe"),
)
_MARKS = ("[CLS]", "[SEP]", "[PAD]", "<s>", "</s>", "<|user|>", "<|end|>", "<|endoftext|>", "<unk>", "▁", "Ġ", "##ing")


def varied_texts(seed: int = 0) -> list[str]:
    """Returns the texts: English, Chinese, other scripts, emoji, code, spaces, control characters, numbers, marks that
    look like special tokens, very long words, characters drawn from all of Unicode, and mixtures of these.
    """
    rng = random.Random(seed)
    kinds = (_english, _chinese, _scripts, _emoji, _code, _spaces, _control, _numbers, _marks, _long, _any, _mixed)
    texts = ["", " ", "a", "\n", "'s", "'S 'LL", "不", "\u0301"]
    while len(texts) < COUNT:
        texts.append(kinds[len(texts) % len(kinds)](rng))
    return texts


def _english(rng: random.Random) -> str:
    words = [rng.choice(_ENGLISH) for _ in range(rng.randint(1, 20))]
    return " ".join(rng.choice((word, word.upper(), word.title())) for word in words) + rng.choice(("", ".", "?!", "…"))


def _chinese(rng: random.Random) -> str:
    return "".join(rng.choice(_CHINESE) for _ in range(rng.randint(1, 40)))


def _scripts(rng: random.Random) -> str:
    return rng.choice(("", " ", "\n")).join(rng.sample(_OTHERS, k=rng.randint(1, 4)))


def _emoji(rng: random.Random) -> str:
    return rng.choice(("", " ")).join(rng.choice((*_EMOJI, "ok", "好")) for _ in range(rng.randint(1, 12)))


def _code(rng: random.Random) -> str:
    return rng.choice(("", "\n", "    ")).join(rng.choice(_CODE) for _ in range(rng.randint(1, 3)))


def _spaces(rng: random.Random) -> str:
    return "".join(rng.choice((*_SPACES, "a", "中", "7", "!")) for _ in range(rng.randint(1, 20)))


def _control(rng: random.Random) -> str:
    return "".join(rng.choice((*_CONTROL, "x", " ", "字")) for _ in range(rng.randint(1, 15)))


def _numbers(rng: random.Random) -> str:
    forms: tuple[Callable[[], str], ...] = (
        lambda: str(rng.randrange(10 ** rng.randint(1, 18))),
        lambda: f"{rng.random() * 1e6:,.3f}",
        lambda: f"-{rng.random():.2e}",
        lambda: f"{rng.randrange(24):02}:{rng.randrange(60):02}",
        lambda: "".join(rng.choice("０１２３４５六七八٣४") for _ in range(5)),
    )
    return rng.choice((" ", ", ", "x")).join(rng.choice(forms)() for _ in range(rng.randint(1, 6)))


def _marks(rng: random.Random) -> str:
    return "".join(rng.choice((*_MARKS, " ", "text")) for _ in range(rng.randint(1, 8)))


def _long(rng: random.Random) -> str:
    alphabet = rng.choice(("a", "abcdefghij", "äöüß", "中文字", "=-", "0123456789", "ا", "😀", " ", "\n"))
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(100, 1000)))


def _any(rng: random.Random) -> str:
    characters = (chr(rng.randrange(0x30000)) for _ in range(rng.randint(1, 30)))
    return "".join(c for c in characters if not "\ud800" <= c <= "\udfff") or "?"


def _mixed(rng: random.Random) -> str:
    parts = (_english, _chinese, _scripts, _emoji, _code, _spaces, _control, _numbers, _marks)
    return rng.choice(("", " ", "\n")).join(rng.choice(parts)(rng) for _ in range(rng.randint(2, 4)))
