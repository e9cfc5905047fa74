"""How far each method of explanation can be believed, on the SST-2 test rows: completeness, faithfulness, time.

python benchmarks/explanations.py MODEL [MODEL …] [--texts 1821] [--json]

Needs SST-2 in ../shared/data/sst2 or $PENJING_DATA/sst2. MODEL is the folder of a finished model. Beside each method's
figures stands how many times the comprehensiveness of a random ranking it reaches.
"""

from __future__ import annotations

import argparse
import json

import penjing
from labelled_sets import read_set
from penjing.explain.explaining import compare_methods, fitting_methods
from penjing.machine import describe_machine


def main() -> None:
    """Prints a line a model and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--texts", type=int, default=1821)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    texts, found = read_set("sst2", "test")[0][: arguments.texts], {}
    for folder in arguments.models:
        model = penjing.load(folder)
        found[folder] = compare_methods(model, texts, fitting_methods(model.engine.network), seed=0)
    if arguments.json:
        print(json.dumps({"models": found, "machine": describe_machine()}, indent=2))
        return
    for folder, measured in found.items():
        print(f"{folder}, {measured['texts']:,} texts")
        at_random = measured["methods"]["random"]["comprehensiveness"]["value"]
        for name, figures in measured["methods"].items():
            comprehensive, sufficient = figures["comprehensiveness"], figures["sufficiency"]
            times = comprehensive["value"] / at_random
            complete = "" if figures["complete"] is None else f"  complete {figures['complete']:.1%}"
            print(
                f"  {name:22} comprehensiveness {comprehensive['value']:.3f} "
                f"({comprehensive['low']:.3f}…{comprehensive['high']:.3f}), {times:.2f} × random"
                f"  sufficiency {sufficient['value']:+.3f}  {1000 * figures['seconds']:.0f} ms{complete}"
            )


if __name__ == "__main__":
    main()
