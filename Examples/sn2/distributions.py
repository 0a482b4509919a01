#!/usr/bin/env python3
"""What became of collisions: distributions.py PICTURE.png TRAJECTORY.xyz COLLISIONS.tsv...

Left: distances and charges along one trajectory (exported by bloch, with charges). Right: vibration of the products CH3F, for each energy of
collide.py. Prints, for each energy, what became of the trajectories, with the standard error of the reactive fraction. Needs ase,
numpy, matplotlib."""
import csv
import sys
from collections import Counter

import matplotlib
import numpy as np
from ase.io import read

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    rows = [r for path in sys.argv[3:] for r in csv.DictReader(open(path), delimiter="\t")]
    energies = sorted({float(r["energy"]) for r in rows})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    frames = read(sys.argv[2], index=":")
    time = np.array([a.info["time_fs"] for a in frames]) * 1e-3
    for k, name in ((0, "C-F"), (5, "C-I")): left.plot(time, [a.get_distance(1, k) for a in frames], label=name)
    left.set(xlabel="time, ps", ylabel="distance, A", ylim=(0, 13))
    for atoms, name in (([0], "F"), ([5], "I"), ([1, 2, 3, 4], "CH3")):
        middle.plot(time, [a.get_charges()[atoms].sum() for a in frames], label=name)
    middle.set(xlabel="time, ps", ylabel="charge, e")
    for e in energies:
        own = [r for r in rows if float(r["energy"]) == e]
        count = Counter(r["outcome"] for r in own)
        share = count["reacted"] / len(own)
        found = {c: np.array([float(r[c]) for r in own if r[c] != "nan"]) for c in
                 ("capture_ps", "product_vibration", "product_rotation", "product_translation", "drift_meV", "grade")}
        print(f"{e} eV: {len(own)} trajectories, " + ", ".join(f"{n} {k}" for k, n in count.most_common())
              + f"; reactive {share:.2f} +- {np.sqrt(share * (1 - share) / len(own)):.2f}")
        for c in found: print(f"  {c}: mean {found[c].mean():.3f}, from {found[c].min():.3f} to {found[c].max():.3f}")
        right.hist(found["product_vibration"], bins=np.arange(0, 3.6, 0.2), histtype="step", density=True, label=f"{e} eV")
    right.set(xlabel="vibration of CH3F, eV", ylabel="per eV")
    for axis in (left, middle, right): axis.legend(frameon=False)
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
