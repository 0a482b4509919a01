#!/usr/bin/env python3
"""Two water molecules by models, against PBE0: curve.py PICTURE.png NAME=MODEL.h5 ...

Reads lines-pbe0.xyz beside this script. Interaction is the energy less that of two molecules at rest. Prints PBE0's and the
difference of each model by line and distance, in meV. Calls `bloch evaluate` ($BLOCH, or .build/release/bloch). Needs ase,
numpy, matplotlib."""
import sys
from pathlib import Path

import numpy as np
from ase.io import read
from tails import energies, evaluated, plt

DATA = Path(__file__).resolve().parent / "lines-pbe0.xyz"
WORDS = {"bond": "hydrogen bond", "antiparallel": "dipoles antiparallel", "parallel": "dipoles parallel"}


def main():
    picture, models = sys.argv[1], dict(x.split("=", 1) for x in sys.argv[2:])
    frames = read(DATA, ":")
    lines = np.array([a.info.get("line", "") for a in frames])
    distance = np.array([a.info.get("distance", 0.0) for a in frames])
    reference = 1e3 * np.array([a.info["interaction"] for a in frames])
    found = {}
    for name, model in models.items():
        e = energies(evaluated(model, DATA))
        found[name] = 1e3 * (e - 2 * e[0])
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2))
    for axis, (line, words) in zip(axes, WORDS.items()):
        own = lines == line
        print(f'{words:22}' + "".join(f"{d:8g}" for d in distance[own]) + "   A")
        print(f'{"PBE0":22}' + "".join(f"{e:8.1f}" for e in reference[own]) + "   meV")
        far = own & (distance >= 4)
        axis.plot(distance[far], reference[far], "k.", label="PBE0")
        for n, (name, e) in enumerate(found.items()):
            print(f"{name:22}" + "".join(f"{x:8.1f}" for x in (e - reference)[own]))
            axis.plot(distance[far], e[far], f"C{n}", label=name, zorder=0)
        axis.set_title(words, fontsize=9)
        axis.set_xlabel("O...O, A")
        axis.axvline(8, color="0.8", zorder=-1)
    for name, e in found.items():
        error = abs(e - reference)[distance > 8]
        print(f"{name}: beyond 8 A {error.mean():.2f} meV on average, {error.max():.2f} at most")
    axes[0].set_ylabel("interaction, meV")
    axes[0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
