"""``python -m benchmarks [subject …]``: measure, print, and write RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import os
from datetime import date
from pathlib import Path

from .harness import Row, geometric_mean, installed, machine, run, table
from .kernels import TABLE
from .peak import peak_gflops

SUBJECTS = ("engine", "kernels", "training", "vision", "process")


def main() -> None:
    """Run the chosen subjects; all of them write the results file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time autograd_lite and its peers in turn."
    )
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"any of {', '.join(SUBJECTS)}; default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "RESULTS.md")
    options = parser.parse_args()
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if os.getloadavg()[0] > 0.5:
        print(f"warning: the machine is busy (load {os.getloadavg()[0]:.2f}); figures will be off")
    head, peak = machine(), peak_gflops()
    if installed("torch"):
        import torch

        torch.set_num_threads(os.cpu_count() or 1)
    rows: list[Row] = []
    for subject in options.subjects or SUBJECTS:
        for case in importlib.import_module(f".{subject}", __package__).cases():
            rows.append(run(case))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    peak = max(peak, peak_gflops())  # the machine may have been busy at one of the times
    line = f"- multiply-adds in registers, float32, all threads, the better of before and after: {peak:.0f} GFLOP/s"
    print(line)
    if options.subjects:
        return
    notes = [f"- {row.case.name}: {note}" for row in rows for note in row.notes]
    for what in ("forward", "forward + backward"):
        mean = geometric_mean(rows, [f"conv {conv}, {what}" for conv in TABLE])
        if mean is not None:
            notes.append(
                f"- geometric mean of the ratios of the first ten convolutions, {what}: {mean:.2f} (goal ≤ 0.90)"
            )
    options.out.write_text(
        "# Benchmark results\n\nWritten by `python -m benchmarks`: medians, libraries in turn, lower is better.\n"
        "The ratio is the median over the rounds, each of which times both: it need not be the medians' ratio.\n\n"
        f"- {date.today()}\n{head}\n{line}\n\n{table(rows)}\n" + ("\n" + "\n".join(notes) + "\n" if notes else "")
    )
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
