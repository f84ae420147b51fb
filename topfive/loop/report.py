"""What a run leaves for people to read: lists before and after, plots, and the report that ends it."""

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from topfive import plots
from topfive.evaluate import Comparison
from topfive.files import write_atomic


def write_report(folder: Path, report: dict[str, Any], result: Comparison) -> None:
    """`report.json` comes last: with it the run has ended."""
    write_atomic(folder / "lists.md", before_and_after(result))
    drawn = plots.quality_bars(report["quality"], result.win_rate, report["liked"])
    drawn.savefig(folder / "quality.png", dpi=110)
    write_atomic(folder / "report.json", json.dumps(report, indent=2) + "\n")  # last: with it the run has ended


def before_and_after(result: Comparison, number: int = 12) -> str:
    """The first `number` prompts with both answers and the judge's scores, as Markdown."""
    lines = ["# Before and after", "", f"Win rate of PPO over SFT: {result.win_rate}", ""]
    for index in range(min(number, len(result.prompts))):
        lines += [f"## {result.prompts[index].text}", "", "| SFT | after PPO |", "|---|---|"]
        columns = [answer[index].strip().split("\n") for answer in (result.before, result.after)]
        lines += [f"| {left} | {right} |" for left, right in zip_longest(*columns, fillvalue="")]
        scores = result.judged_before[index].score, result.judged_after[index].score
        lines += [f"| *judge: {scores[0]:.1f}* | *judge: {scores[1]:.1f}* |", ""]
    return "\n".join(lines)
