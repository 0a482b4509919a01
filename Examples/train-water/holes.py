#!/usr/bin/env python3
"""How models of the liquid do on clusters that they have not learned: holes.py BLOCH HELD.xyz PICTURE.png NAME=MODEL.h5 ...

HELD.xyz comes from make_clusters.py. Prints the mean absolute error and its root mean square of forces by kind of cluster, meV/A. The picture:
energies along the curves `bond` and `proton` over those of the shape nearest to rest, eV; PBE0 as points.

Needs ase, numpy and matplotlib."""
import os
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from ase.io import read

CURVES = {"bond": (0.8, "one O-H of a molecule (Å)"), "proton": (0.9, "O-H of a proton between two O 2.5 Å apart (Å)")}


def evaluated(bloch, model, path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.xyz")
        subprocess.run([bloch, "evaluate", "--threads", "1", "--model", model, "--output", out, path], check=True, stdout=subprocess.DEVNULL)
        return read(out, index=":")


def main():
    bloch, path, picture, *models = sys.argv[1:]
    held = read(path, index=":")
    models = {name: evaluated(bloch, model, path) for name, model in (m.split("=", 1) for m in models)}
    kinds = np.array([a.info["kind"] for a in held])
    for kind in dict.fromkeys(kinds):
        chosen = np.flatnonzero(kinds == kind)
        for name, results in models.items():
            error = 1e3 * np.concatenate([(results[i].get_forces() - held[i].get_forces()).ravel() for i in chosen])
            print(f"{kind:9s} {len(chosen):3d} frames  {name:10s} MAE {abs(error).mean():7.1f}  RMSE {(error**2).mean()**0.5:7.1f} meV/A")
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for ax, (kind, (start, label)) in zip(axes, CURVES.items()):
        chosen = np.flatnonzero(kinds == kind)
        x = np.array([start + 0.05 * held[i].info["n"] for i in chosen])
        rest = np.argmin(abs(x - 0.95))
        reference = np.array([held[i].info["relative"] for i in chosen])
        ax.plot(x, reference - reference[rest], "ko", markersize=3, label="PBE0")
        for (name, results), colour in zip(models.items(), ("#d1495b", "#1f5fa8", "#3b8a5a")):
            energy = np.array([results[i].get_potential_energy() for i in chosen])
            print(kind, name, " ".join(f"{a:.2f}:{e - r:+.3f}" for a, e, r in zip(x, energy - energy[rest], reference - reference[rest])), "eV")
            ax.plot(x, energy - energy[rest], color=colour, label=name)
        ax.set(xlabel=label, ylabel="energy (eV)")
    axes[0].legend(frameon=False)
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
