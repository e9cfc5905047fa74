"""Models of the Hugging Face hub, ``hf://OWNER/NAME``: config, safetensors and tokenizer alone are fetched."""

from __future__ import annotations

import os
import re
from pathlib import Path

from penjing.errors import DataError, MissingExtraError, UsageError

HUB = "hf://"
_ADDRESS = re.compile(r"hf://(\w[\w.-]*/\w[\w.-]*)/?", re.ASCII)
_FILES = ("*.json", "*.safetensors", "*.jinja", "tokenizer.model")  # never a pickle, nor a program


def fetch_model(address: str, folder: Path) -> Path:
    """Fetches a model of the hub into a folder, and returns that.

    Raises:
        UsageError: the address is malformed.
        MissingExtraError: the package huggingface_hub is not installed.
        DataError: there is no such public model, or the hub cannot be reached.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise UsageError("this is no address of a model on the hub", where=address, do="Write hf://OWNER/NAME.")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the package is imported
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "export", "Reading from the hub") from error
    try:
        snapshot_download(found[1], local_dir=folder, allow_patterns=list(_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise DataError(
            f"the model cannot be fetched ({type(error).__name__}: {str(error).splitlines()[0]:.120})",
            where=address,
            do="Check the name and the network, or fetch the folder elsewhere and give its path.",
        ) from error
    return folder
