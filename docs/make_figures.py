"""Write docs/course/figures/: the pictures of the course's pages, from the results of a run.

    tinygrad-edu course run --all        # with MNIST and seed 0, into runs/course
    python docs/make_figures.py          # or: python docs/make_figures.py FOLDER

A PNG keeps 128 colours, which is half its size and no visible loss.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from PIL import Image

from tinygrad_edu.course import NAMES

FIGURES = Path(__file__).parent / "course" / "figures"


def write(results: Path, figures: Path = FIGURES) -> int:
    """Copy the pictures of each experiment; returns their number."""
    count = 0
    for name in NAMES:
        pictures = sorted([*(results / name).glob("*.png"), *(results / name).glob("*.svg")])
        if not pictures:
            raise SystemExit(
                f"{results / name} has no figures: run `tinygrad-edu course run {name}`."
            )
        shutil.rmtree(figures / name, ignore_errors=True)
        (figures / name).mkdir(parents=True)
        for picture in pictures:
            target = figures / name / picture.name
            if picture.suffix == ".png":
                Image.open(picture).convert("RGB").quantize(128).save(target, optimize=True)
            else:
                shutil.copyfile(picture, target)
            count += 1
    return count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", type=Path, default=Path("runs/course"))
    print(f"{FIGURES}: {write(parser.parse_args().results)} pictures")


if __name__ == "__main__":
    main()
