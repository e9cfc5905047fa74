"""Sources: files of rows, read as streams."""

from penjing.data.sources.address import group_by_split, locate_package_folder, source_files
from penjing.data.sources.source import Batch, Layout, read_file

__all__ = ["Batch", "Layout", "group_by_split", "locate_package_folder", "read_file", "source_files"]
