"""Files that take no more than so many bytes, as on a full disk."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from penjing import files


@contextmanager
def at_most_bytes(size: int) -> Iterator[None]:
    """For a while no file of this process grows past a size; what is refused is said to be a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_NO_ROOM", {*files._NO_ROOM, errno.EFBIG})
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
