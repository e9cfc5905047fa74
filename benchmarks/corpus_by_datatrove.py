"""What `corpus_vs_peers.py` has datatrove do: Gopher's filters, and MinHash as its documentation sets it up.

python benchmarks/corpus_by_datatrove.py INPUT_FOLDER WORK_FOLDER

Runs in an environment of its own, with datatrove, spacy and nltk. INPUT_FOLDER holds a JSONL file for each worker;
WORK_FOLDER/kept gets what is kept.
"""

from __future__ import annotations

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

WORKERS = 2


def main() -> None:
    """Runs the four steps, each with two workers."""
    source, work = sys.argv[1:3]
    config = MinhashConfig()  # 14 buckets of 8 hashes, runs of 5 words
    steps = [
        (
            [
                JsonlReader(source),
                GopherRepetitionFilter(),
                GopherQualityFilter(),
                JsonlWriter(f"{work}/filtered", compression=None),
            ],
            WORKERS,
        ),
        ([JsonlReader(f"{work}/filtered"), MinhashDedupSignature(f"{work}/signatures", config)], WORKERS),
        ([MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)], config.num_buckets),
        ([MinhashDedupCluster(f"{work}/buckets", f"{work}/remove", config=config)], 1),
        (
            [
                JsonlReader(f"{work}/filtered"),
                MinhashDedupFilter(f"{work}/remove"),
                JsonlWriter(f"{work}/kept", compression=None),
            ],
            WORKERS,
        ),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=WORKERS, logging_dir=f"{work}/logs/{number}").run()


if __name__ == "__main__":
    main()
