"""``python -m penjing`` is ``penjing``."""

from penjing.cli.main import main

main()
