"""Run the experiments, and write their numbers, their plots, and the page that tells them: `python -m experiments [NAME...]`."""

from __future__ import annotations

import sys
import time

from experiments.page import EXPERIMENTS, as_json, load_results, picture_digest, picture_of, save, write_page


def main(names: list[str]) -> int:
    """Run all experiments, or those of some names, and write what they give after each one."""
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        print(f"no experiment {unknown[0]!r}; there are {', '.join(EXPERIMENTS)}", file=sys.stderr)
        return 2
    results = load_results()
    for name in names or list(EXPERIMENTS):
        begun = time.process_time()
        numbers = as_json(EXPERIMENTS[name].measure())
        seconds = time.process_time() - begun
        picture = save(name, numbers)
        picture_of(name).write_bytes(picture)
        results[name] = {
            "digest": EXPERIMENTS[name].digest, "cpu_seconds": round(seconds, 1), "picture": picture_digest(picture),
            "numbers": numbers,
        }  # fmt: skip
        write_page(results)
        print(f"{name}: {seconds:.1f} s of CPU time. {EXPERIMENTS[name].sentence(numbers)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
