"""`python -m benchmarks [NAME …]`, such as lm or grading: measure some, or all, for results.md."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import annotation, felt, grading, lm, ppo, sampling, threads
from benchmarks.machine import Bystanders
from benchmarks.report import RESULTS, write_section
from topfive import data
from topfive.errors import TopFiveError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        choices=["lm", "sampling", "ppo", "threads", "felt", "annotation", "grading", []],
        help="which (default: all)",
    )
    parser.add_argument("--trl", type=Path, help=f"folder with TRL {ppo.TRL_VERSION} alone (or ${ppo.TRL_VARIABLE})")
    parser.add_argument("--checkpoints", type=Path, help="folder with `sft` and `reward` (default: those shipped)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where to write (default: %(default)s)")
    options = parser.parse_args()
    try:
        checkpoints = options.checkpoints or data.checkpoint("sft").parent
        benchmarks: dict[str, tuple[str, Callable[[], str]]] = {
            "lm": (lm.TITLE, lambda: lm.run(checkpoints / "sft")),
            "sampling": (sampling.TITLE, lambda: sampling.run(checkpoints / "sft")),
            "ppo": (ppo.TITLE, lambda: ppo.run(checkpoints, ppo.trl_folder(options.trl))),
            "threads": (threads.TITLE, threads.run),
            "felt": (felt.TITLE, felt.run),
            "annotation": (annotation.TITLE, annotation.run),
            "grading": (grading.TITLE, grading.run),
        }
        for name in options.names or benchmarks:
            title, run = benchmarks[name]
            print(f"{title} ...", flush=True)
            with Bystanders() as bystanders:
                text = run()
            text += f"\nMeanwhile other programs took {bystanders.share:.0%} of the processors.\n"
            print(text, flush=True)
            write_section(title, text, options.out)
    except TopFiveError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
