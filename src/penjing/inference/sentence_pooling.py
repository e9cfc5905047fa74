"""How an encoder's last states become the vector of a text: as its folder says in the layout of sentence-transformers.

There, ``modules.json`` lists what is computed one after another, a folder, ``1_Pooling``, says which states are taken,
``sentence_bert_config.json`` how many tokens are read, and ``config_sentence_transformers.json`` what is written before
a text. Where nothing is said, the mean of all states is taken, and nothing stands before, as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from torch import Tensor
from torch.nn import functional as F

from penjing.errors import ModelFolderError
from penjing.files import read_json
from penjing.models.pooling import mean_over_tokens

SentencePooling = Literal["mean", "cls"]
_MODULES = "modules.json"
_COMPUTED = ("Transformer", "Pooling", "Normalize")
_OLD_MODES = {  # before version 6, each was a setting of its own
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_LENGTH = "sentence_bert_config.json"
_TOKENIZER = "tokenizer_config.json"  # since version 6, the length stands there
_PROMPTS = "config_sentence_transformers.json"
_FEWEST, _MOST = 3, 512  # tokens of a text
_COPY = "Copy the folder again, whole, with the folders in it."


@dataclass(frozen=True)
class SentencePrompts:
    """What an encoder has learned to see before a text, by what is wanted of its vector.

    Attributes:
        alone: where nothing more is known of it.
        query: before what is looked for.
        document: before what is found.
    """

    alone: str = ""
    query: str = ""
    document: str = ""


def read_prompts(folder: Path) -> SentencePrompts:
    """Returns what stands before texts there.

    Raises:
        ModelFolderError: the file is broken, or such tokens are no part of the vector there.
    """
    if not (folder / _MODULES).is_file() or not (folder / _PROMPTS).is_file():
        return SentencePrompts()
    settings = _read(folder / _PROMPTS)
    prompts = settings.get("prompts") or {} if isinstance(settings, dict) else 0
    if not isinstance(prompts, dict) or not all(text is None or isinstance(text, str) for text in prompts.values()):
        raise ModelFolderError("these are no prompts by their names", where=str(folder / _PROMPTS), do=_COPY)
    default = settings.get("default_prompt_name")
    if default is not None and (not isinstance(default, str) or default not in prompts):
        what = f"the default prompt is called {default}, and there is none such"
        raise ModelFolderError(what, where=str(folder / _PROMPTS), do=_COPY)
    found = SentencePrompts(*(prompts.get(name) or "" for name in (default, "query", "document")))
    file = _pooling_file(folder)
    if found != SentencePrompts() and file is not None and _read(file).get("include_prompt") is False:
        raise ModelFolderError(
            "what stands before a text is left out of its vector there, and is a part of it here",
            where=str(file),
            do="Give an encoder that pools so.",
        )
    return found


def read_longest(folder: Path, positions: int) -> int:
    """Returns how many tokens of a text are read, those around it included: what the folder says, or up to 512.

    Args:
        folder: of the encoder.
        positions: most that its network can read.

    Raises:
        ModelFolderError: the file is broken.
    """
    for name, key in ((_LENGTH, "max_seq_length"), (_TOKENIZER, "model_max_length")):
        settings = _read(folder / name) if (folder / _MODULES).is_file() and (folder / name).is_file() else {}
        longest = settings.get(key) if isinstance(settings, dict) else 0
        if longest is None:
            continue
        if not isinstance(longest, int | float) or not longest >= _FEWEST:  # 1e30 stands there for no limit
            raise ModelFolderError(f"{key} is no number of tokens", where=str(folder / name), do=_COPY)
        return int(min(longest, positions))
    return min(positions, _MOST)


def lowers_case(folder: Path) -> bool:
    """Returns whether texts are read there in small letters, whatever the tokenizer does.

    Raises:
        ModelFolderError: the file is broken.
    """
    if not (folder / _MODULES).is_file() or not (folder / _LENGTH).is_file():
        return False
    settings = _read(folder / _LENGTH)
    return isinstance(settings, dict) and bool(settings.get("do_lower_case"))


def read_pooling(folder: Path) -> SentencePooling:
    """Returns which states of a text become its vector: the mean of all, or that of the first token.

    Raises:
        ModelFolderError: something else is computed there, or a file is broken or missing.
    """
    file = _pooling_file(folder)
    if file is None:
        return "mean"
    settings = _read(file)
    given = settings.get("pooling_mode") if isinstance(settings, dict) else 0
    if not isinstance(given, str | list | None):
        raise ModelFolderError("these are no settings of pooling", where=str(file), do=_COPY)
    old = [mode for name, mode in _OLD_MODES.items() if settings.get(name)]
    modes = [given] if isinstance(given, str) else given or old or ["mean"]
    if len(modes) != 1 or modes[0] not in ("mean", "cls"):
        raise ModelFolderError(
            f"the vector of a text is pooled there by {' and '.join(map(str, modes))}, and here by mean or cls alone",
            where=str(file),
            do="Give an encoder that pools so.",
        )
    return cast("SentencePooling", modes[0])


def pooling_files(folder: Path) -> list[Path]:
    """Returns the file that decides how texts are pooled, where that is not the mean.

    Raises:
        ModelFolderError: as `read_pooling`.
    """
    file = _pooling_file(folder)
    return [] if file is None or read_pooling(folder) == "mean" else [file]


def sentence_files(folder: Path) -> list[Path]:
    """Returns the files that decide vectors beside the network and its tokenizer.

    Raises:
        ModelFolderError: as `read_pooling`.
    """
    if not (folder / _MODULES).is_file():
        return []
    return [*pooling_files(folder), *(folder / name for name in (_LENGTH, _PROMPTS) if (folder / name).is_file())]


def pool_sentences(pooling: SentencePooling, hidden: Tensor, mask: Tensor) -> Tensor:
    """Returns the vector of each text, of length 1, [batch, dim].

    Reimers & Gurevych 2019, arXiv 1908.10084, section 3.

    Args:
        pooling: which states become it.
        hidden: the last states, [batch, time, dim], the first token's first.
        mask: true where a token is real, [batch, time].
    """
    return F.normalize(hidden[:, 0] if pooling == "cls" else mean_over_tokens(hidden, mask), dim=-1)


def _pooling_file(folder: Path) -> Path | None:
    """Returns the settings of pooling; None where the folder is no sentence encoder's.

    Raises:
        ModelFolderError: more is computed there than is here, or ``modules.json`` is broken.
    """
    if not (folder / _MODULES).is_file():
        return None
    modules = _read(folder / _MODULES)
    try:
        steps = [(str(module["type"]).rpartition(".")[2], str(module["path"])) for module in modules]
    except (TypeError, KeyError) as error:
        raise ModelFolderError("this is no list of modules", where=str(folder / _MODULES), do=_COPY) from error
    others = [kind for kind, _ in steps if kind not in _COMPUTED]
    places = [path for kind, path in steps if kind == "Pooling"]
    if others or len(places) != 1 or Path(places[0]).name != places[0]:
        found = ", ".join(kind for kind, _ in steps)
        raise ModelFolderError(
            f"vectors are made there by {found}, and here by {', '.join(_COMPUTED)} alone",
            where=str(folder / _MODULES),
            do="Give an encoder whose vectors are its pooled states.",
        )
    return folder / places[0] / "config.json"


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"this cannot be read ({error})", where=str(path), do=_COPY) from error
