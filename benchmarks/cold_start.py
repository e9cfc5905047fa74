"""How long one answer from the shell takes, the process started anew each time, beside Transformers on the same folder.

Both read the same safetensors and tokenizer in fp32 and print the label of one text.

python benchmarks/cold_start.py MODEL [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

from penjing.machine import describe_machine

TEXT = "This movie is terrible"
PEER = f"""
import sys
from transformers import pipeline
print(pipeline("text-classification", model=sys.argv[1], device="cpu")({TEXT!r})[0]["label"])
"""


def time_command(command: list[str]) -> tuple[float, str]:
    """Returns the seconds of a process, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - began, done.stdout


def main() -> None:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder of a finished bert model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    commands = {
        "penjing --help": [sys.executable, "-m", "penjing", "--help"],
        "penjing predict": [sys.executable, "-m", "penjing", "predict", arguments.model, TEXT],
        "transformers": [sys.executable, "-c", PEER, arguments.model],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    printed: dict[str, str] = {}
    for number in range(arguments.rounds + 1):  # the first round fills the disk cache
        for name, command in commands.items():
            spent, printed[name] = time_command(command)
            if number:
                seconds[name].append(spent)
    assert printed["penjing predict"].split("\t")[0] == printed["transformers"].strip()
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    ratio = round(medians["transformers"] / medians["penjing predict"], 2)
    if arguments.json:
        print(json.dumps({"median_s": medians, "ratio": ratio, "machine": describe_machine()}, indent=2))
        return
    for name, median in medians.items():
        print(f"{name:16} {median:6.3f} s")
    print(f"{'ratio':16} {ratio:6.2f}")


if __name__ == "__main__":
    main()
