#!/usr/bin/env python3
"""Geometries for more reference data, from dynamics with a model: sample.py MODEL OUT.xyz FIRST LAST

Trajectory n of FIRST <= n < LAST begins on make_lines.py's path at a reaction coordinate drawn from -2.5 ... 3.5 A, with
velocities of 300 to 1200 K, and is followed for 40 to 150 fs by `bloch run` ($BLOCH, or .build/release/bloch). Its last frame is
kept with `extrapolation_grade`, how far the model says that it is from what it has learned. make_sn2.py --label labels them:
a second each, where a trajectory with GFN2-xTB takes half a minute. Needs ase, numpy."""
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


def main():
    model, out, first, last = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
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
            b = Atoms(SYMBOLS, e.positions, info=dict(n=n, kind="sampled", charge=-1, rc=round(float(rc), 2),
                                                      extrapolation_grade=float(e.info["extrapolation_grade"])))
            write(out, b, format="extxyz", append=True)


if __name__ == "__main__":
    main()
