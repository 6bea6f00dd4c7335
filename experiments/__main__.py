"""Run the experiments, and write their numbers, their plots, and the page that tells them: `python -m experiments [NAME...]`.

`python -m experiments --tell` writes plots and page again from the stored numbers: after a change of words or of a plot alone.
"""

from __future__ import annotations

import sys
import time

from experiments.experiment import Numbers
from experiments.page import EXPERIMENTS, as_json, load_results, picture_digest, picture_of, save, write_page


def main(names: list[str]) -> int:
    """Run all experiments, or those of some names, and write what they give after each one."""
    if names == ["--tell"]:
        return tell()
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        print(f"no experiment {unknown[0]!r}; there are {', '.join(EXPERIMENTS)}", file=sys.stderr)
        return 2
    results = load_results()
    for name in names or list(EXPERIMENTS):
        begun = time.process_time()
        numbers = as_json(EXPERIMENTS[name].measure())
        seconds = time.process_time() - begun
        results[name] = {
            "digest": EXPERIMENTS[name].digest, "cpu_seconds": round(seconds, 1), "picture": drawn(name, numbers),
            "numbers": numbers,
        }  # fmt: skip
        write_page(results)
        print(f"{name}: {seconds:.1f} s of CPU time. {EXPERIMENTS[name].sentence(numbers)}", flush=True)
    return 0


def tell() -> int:
    """Write the plots and the page again."""
    results = load_results()
    for name, one in results.items():
        one["picture"] = drawn(name, one["numbers"])
    write_page(results)
    return 0


def drawn(name: str, numbers: Numbers) -> str:
    """Write the plot of an experiment, and return its hash."""
    picture = save(name, numbers)
    picture_of(name).write_bytes(picture)
    return picture_digest(picture)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
