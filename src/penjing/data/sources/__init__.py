"""Sources: files of rows and documents, read as streams, by whatever address they have."""

from penjing.data.sources.address import (
    corpus_files,
    group_by_split,
    line_file,
    locate_package_folder,
    source_files,
)
from penjing.data.sources.aligned import read_aligned
from penjing.data.sources.dispatch import read_file
from penjing.data.sources.faults import Fault, FaultLog
from penjing.data.sources.source import Batch, Layout, file_size

__all__ = [
    "Batch",
    "Fault",
    "FaultLog",
    "Layout",
    "corpus_files",
    "file_size",
    "group_by_split",
    "line_file",
    "locate_package_folder",
    "read_aligned",
    "read_file",
    "source_files",
]
