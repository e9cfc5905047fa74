"""llama.cpp as the other side of a proof, by the package llama-cpp-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.errors import GateError, MissingExtraError
from penjing.pipeline.exporting.source import Row, Scores

_WHOLE = 0  # llama.cpp's number of the type F32


class LlamaCpp:
    """A GGUF file, opened by llama.cpp, on the CPU, with keys and values in fp32.

    Args:
        path: of the file.
        longest: tokens of the longest row.

    Raises:
        MissingExtraError: llama-cpp-python is not installed.
        GateError: llama.cpp does not open the file.
    """

    def __init__(self, path: Path, longest: int) -> None:
        try:
            import llama_cpp
        except ImportError as error:
            raise MissingExtraError("llama-cpp-python", "export-gguf", "The proof of a GGUF file") from error
        self.tool = f"llama-cpp-python {llama_cpp.__version__}"
        threads = {"n_threads": torch.get_num_threads(), "n_threads_batch": torch.get_num_threads()}
        asked: dict[str, Any] = {"n_ctx": longest, "n_batch": longest, "n_gpu_layers": 0, "logits_all": True, **threads}
        try:
            self._llama: Any = llama_cpp.Llama(str(path), **asked, verbose=False, type_k=_WHOLE, type_v=_WHOLE)
        except ValueError as error:
            raise GateError(
                f"llama.cpp does not open the file ({error})", where=path.name, do="Report it: nothing is left behind."
            ) from error

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text, with the begin token where the file asks for it."""
        return [list(self._llama.tokenize(text.encode("utf-8"), add_bos=True, special=False)) for text in texts]

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the logits of each row, [tokens, vocab]."""
        found = []
        for row in rows:
            self._llama.reset()
            self._llama.eval(list(row.read))
            found.append(np.array(self._llama.scores[: len(row.read)], dtype=np.float32))
        return found

    def converse(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Returns a dialogue as the file's chat template lays it out, for the assistant to go on."""
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        metadata: Mapping[str, Any] = self._llama.metadata
        formatter: Any = Jinja2ChatFormatter(
            template=metadata["tokenizer.chat_template"],
            bos_token=self._piece(self._llama.token_bos()),
            eos_token=self._piece(self._llama.token_eos()),
        )
        return str(formatter(messages=list(messages)).prompt)

    def _piece(self, token: int) -> str:
        return str(self._llama._model.token_get_text(token))

    def close(self) -> None:
        """Lets the file go."""
        self._llama.close()
