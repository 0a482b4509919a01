#!/usr/bin/env python3
"""Interaction of the BioFragment dimers by models, against HSE06+MBD: tails.py PICTURE.png NAME=SUFFIX ...

Reads XX-train.xyz and XX-test.xyz of prepare.py in the current folder and the models xxSUFFIX.model.h5, such as
cc-short.model.h5 with SR=-short. Interaction is the energy of the pair less those of the two molecules alone in the same box, of
reference and model each; where the model has not learned these (CC, CA), its energy less the reference's. Prints, in meV, mean absolute and largest error over the distances that were learned and over those
beyond. Calls `bloch evaluate` ($BLOCH, or .build/release/bloch). Needs ase, numpy, matplotlib."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from ase.io import read

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BLOCH = os.environ.get("BLOCH", Path(__file__).resolve().parents[2] / ".build/release/bloch")
CLASSES = {"CC": "charged and charged", "CP": "charged and polar", "CA": "charged and apolar",
           "PP": "polar and polar", "PA": "polar and apolar", "AA": "apolar and apolar"}


def evaluated(model, path):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([BLOCH, "evaluate", "--model", model, path, "--output", f"{folder}/e.xyz"], check=True, capture_output=True)
        return read(f"{folder}/e.xyz", ":")


def energies(frames):
    return np.array([a.get_potential_energy() for a in frames])


def main():
    picture, models = sys.argv[1], dict(x.split("=", 1) for x in sys.argv[2:])
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.2))
    print(f'{"":4}{"":10}{"learned, A":>12}{"mean":>8}{"largest":>9}{"beyond, A":>14}{"mean":>8}{"largest":>9}   meV')
    for axis, (label, words) in zip(axes.flat, CLASSES.items()):
        learned, held = (read(f"{label}-{part}.xyz", ":") for part in ("train", "test"))
        is_pair = np.array(["distance" in a.info for a in learned])
        distance = np.array([a.info["distance"] for a in learned + held if "distance" in a.info])
        beyond = np.arange(len(distance)) >= is_pair.sum()

        def interaction(learned_frames, held_frames):
            e = energies(learned_frames)
            apart = e[~is_pair].sum() if not is_pair.all() else held[0].info["energyA"] + held[0].info["energyB"]
            return 1e3 * (np.append(e[is_pair], energies(held_frames)) - apart)

        reference = interaction(learned, held)
        axis.plot(distance[~beyond], reference[~beyond], "k.", label="HSE06+MBD")
        axis.plot(distance[beyond], reference[beyond], "ko", fillstyle="none", label="not learned")
        for n, (name, suffix) in enumerate(models.items()):
            model = f"{label.lower()}{suffix}.model.h5"
            found = interaction(*(evaluated(model, f"{label}-{part}.xyz") for part in ("train", "test")))
            axis.plot(distance, found, f"C{n}", label=name, zorder=0)
            error = abs(found - reference)
            print(f"{label:4}{name:10}{distance[~beyond].min():6.1f}{distance[~beyond].max():6.1f}{error[~beyond].mean():8.2f}"
                  f"{error[~beyond].max():9.2f}{distance[beyond].min():8.1f}{distance[beyond].max():6.1f}{error[beyond].mean():8.2f}"
                  f"{error[beyond].max():9.2f}")
        axis.set_title(words, fontsize=9)
    for axis in axes[-1]: axis.set_xlabel("distance, A")
    for axis in axes[:, 0]: axis.set_ylabel("interaction, meV")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
