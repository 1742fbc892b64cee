"""Write docs/course/figures/: the pictures of the course's pages, from the results of a run.

    tinygrad-edu course run --all        # with MNIST and seed 0, into runs/course
    python docs/make_figures.py          # or: python docs/make_figures.py FOLDER

Those of an erratum's variant stand beside the experiment's own. A PNG keeps 128 colours, which is
half its size and no visible loss.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image

from tinygrad_edu.course import ERRATA, NAMES

FIGURES = Path(__file__).parent / "course" / "figures"


def write(results: Path, figures: Path = FIGURES) -> int:
    """Copy the pictures of each experiment; returns their number."""
    found = {name: pictures_of(results, name) for name in NAMES}  # all, before anything is removed
    for name, pictures in found.items():
        shutil.rmtree(figures / name, ignore_errors=True)
        (figures / name).mkdir(parents=True)
        for picture in pictures:
            target = figures / name / picture.name
            if picture.suffix == ".png":
                Image.open(picture).convert("RGB").quantize(128).save(target, optimize=True)
            else:
                shutil.copyfile(picture, target)
    return sum(map(len, found.values()))


def pictures_of(results: Path, name: str) -> list[Path]:
    """The pictures of an experiment and of its errata, which have passed."""
    found: list[Path] = []
    for variant in (None, *ERRATA.get(name, ())):
        folder = results / (f"{name}.{variant}" if variant else name)
        command = f"tinygrad-edu course run {name}" + (f" --variant {variant}" if variant else "")
        pictures = sorted([*folder.glob("*.png"), *folder.glob("*.svg")])
        if not pictures:
            raise SystemExit(f"{folder} has no figures: run `{command}`.")
        record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        if record["passed"] is False:
            raise SystemExit(f"{folder} FAILED: its figures do not show what the page says.")
        taken = {each.name for each in found} & {each.name for each in pictures}
        if taken:
            raise SystemExit(f"{folder} has {sorted(taken)}, as another form of {name} has.")
        found += pictures
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", type=Path, default=Path("runs/course"))
    print(f"{FIGURES}: {write(parser.parse_args().results)} pictures")


if __name__ == "__main__":
    main()
