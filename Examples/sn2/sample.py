#!/usr/bin/env python3
"""Geometries for more reference data, from dynamics with a model.

usage: sample.py MODEL OUT.xyz FIRST LAST                 short trajectories on the path
       sample.py MODEL OUT.xyz --along TRAJECTORY.xyz...  what collide.py left

Trajectory n of FIRST <= n < LAST begins on make_lines.py's path at a reaction coordinate drawn from -2.5 ... 3.5 A, with
velocities of 300 to 1200 K, and is followed for 40 to 150 fs by `bloch run` ($BLOCH, or .build/release/bloch). Its last frame is
kept with `extrapolation_grade`, how far the model says that it is from what it has learned.

Along trajectories up to five frames each are kept, 10 fs apart at least and evenly chosen, that are farther from the data than their
farthest atom (grades 1 to 2.5), before the model fails (C-I below 1.3 A, or a grade of 4).

make_sn2.py --label labels them. A geometry takes a second or less, where GFN2-xTB's trajectory takes half a minute. Needs ase, numpy."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from make_lines import on_path
from make_sn2 import SYMBOLS

BLOCH = os.environ.get("BLOCH", str(Path(__file__).resolve().parents[2] / ".build/release/bloch"))

DECK = """structure: start.xyz
model: {model}
ensemble: nvt
temperature: {temperature:.0f} K
thermostat: {{type: langevin, friction: 0.02 1/fs}}
timestep: 0.25 fs
steps: {steps}
seed: {n}
threads: 1
trajectory: {{every: {steps} steps}}
output: {{name: n}}
"""


def keep(out, positions, n, grade, **info):
    b = Atoms(SYMBOLS, positions, info=dict(n=n, kind="sampled", charge=-1, **info, extrapolation_grade=round(float(grade), 3)))
    write(out, b, format="extxyz", append=True)


def along(model, out, trajectories):
    for path in trajectories:
        n = Path(path).name.split(".")[0]
        with tempfile.TemporaryDirectory() as folder:
            frames = [Atoms(SYMBOLS, a.positions) for a in read(path, index=":")]
            write(f"{folder}/t.xyz", frames, format="extxyz")
            done = subprocess.run([BLOCH, "evaluate", "--model", model, "t.xyz", "--output", "e.xyz"], cwd=folder, capture_output=True)
            if done.returncode: continue
            frames = read(f"{folder}/e.xyz", index=":")
        grades = [a.info["extrapolation_grade"] for a in frames]
        kept, last = [], -2
        for k, (a, g) in enumerate(zip(frames, grades)):
            if g > 4 or a.get_distance(1, 5) < 1.3: break
            if 1 <= g <= 2.5 and k - last >= 2: kept, last = kept + [k], k
        for k in sorted({kept[i] for i in np.linspace(0, len(kept) - 1, 5).round().astype(int)} if kept else []):
            keep(out, frames[k].positions, n, grades[k], frame=k)


def main():
    model, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    if sys.argv[3] == "--along": return along(model, out, sys.argv[4:])
    first, last = int(sys.argv[3]), int(sys.argv[4])
    with tempfile.TemporaryDirectory() as folder:
        def bloch(*arguments):
            return subprocess.run([BLOCH, *arguments], cwd=folder, capture_output=True).returncode == 0

        for n in range(first, last):
            rng = np.random.default_rng([20261127, n])
            rc = rng.uniform(-2.5, 3.5)
            a = Atoms(SYMBOLS, on_path(rc) + rng.normal(scale=0.03, size=(6, 3)))
            write(f"{folder}/start.xyz", a, format="extxyz")
            Path(folder, "n.yaml").write_text(DECK.format(
                model=model, temperature=rng.uniform(300, 1200), steps=rng.integers(160, 600), n=n))
            for file in ("n.xyz", "e.xyz"): Path(folder, file).unlink(missing_ok=True)
            if not (bloch("run", "n.yaml", "--overwrite") and bloch("export", "n.trajectory.h5", "n.xyz")): continue
            write(f"{folder}/n.xyz", Atoms(SYMBOLS, read(f"{folder}/n.xyz", index=-1).positions), format="extxyz")
            if not bloch("evaluate", "--model", model, "n.xyz", "--output", "e.xyz"): continue
            e = read(f"{folder}/e.xyz")
            keep(out, e.positions, n, e.info["extrapolation_grade"], rc=round(float(rc), 2))


if __name__ == "__main__":
    main()
