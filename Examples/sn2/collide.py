#!/usr/bin/env python3
"""Collisions of F- with CH3I: collide.py MODEL FOLDER FIRST LAST

Trajectory n of FIRST <= n < LAST begins with F- 12 A behind the carbon of CH3I (300 K, not rotating as a whole), 0.5 A off the axis,
with 0.05 eV of relative motion, and runs for 3 ps at constant energy (`bloch run`, $BLOCH or .build/release/bloch). Prints what became
of it: last distances C-F and C-I, largest change of the energy, and how far its atoms were from the model's data. Needs ase, numpy."""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from make_lines import molecule_at_rest
from make_sn2 import SYMBOLS

BLOCH = os.environ.get("BLOCH", str(Path(__file__).resolve().parents[2] / ".build/release/bloch"))

DECK = """structure: {n}.xyz
model: {model}
ensemble: nve
velocities: structure
timestep: 0.25 fs
steps: 12000
threads: 1
trajectory: {{every: 5 fs, charges: true}}
log: {{every: 5 fs}}
"""


def start(seed, energy=0.05, offset=0.5, distance=12.0, temperature=300):
    rng = np.random.default_rng(seed)
    a = Atoms(SYMBOLS, [[0, offset, -distance], *molecule_at_rest("I")])
    m = a.get_masses()
    v = np.zeros((6, 3))
    v[1:] = rng.normal(size=(5, 3)) * np.sqrt(units.kB * temperature / m[1:, None])
    v[1:] -= (m[1:, None] * v[1:]).sum(0) / m[1:].sum()
    ion, molecule = m[0], m[1:].sum()
    speed = np.sqrt(2 * energy * (ion + molecule) / (ion * molecule))
    v[0, 2] += speed * molecule / (ion + molecule)
    v[1:, 2] -= speed * ion / (ion + molecule)
    a.set_velocities(v)
    return a


def main():
    model, folder, first, last = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.makedirs(folder, exist_ok=True)

    def bloch(*arguments):
        return subprocess.run([BLOCH, *arguments], cwd=folder, capture_output=True, text=True)

    for n in range(first, last):
        write(f"{folder}/{n}.xyz", start(n), format="extxyz")
        Path(folder, f"{n}.yaml").write_text(DECK.format(n=n, model=model))
        Path(folder, f"{n}.out.xyz").unlink(missing_ok=True)
        run = bloch("run", f"{n}.yaml", "--overwrite")
        bloch("export", f"{n}.trajectory.h5", f"{n}.out.xyz")
        end = read(f"{folder}/{n}.out.xyz", index=-1)
        log = np.loadtxt(f"{folder}/{n}.log.tsv")
        f, i = np.linalg.norm(end.positions[[0, 5]] - end.positions[1], axis=1)
        grades = [float(g) for g in re.findall(r"([0-9.]+) times", run.stdout + run.stderr)]
        print(f"{n}: {log[-1, 1]:.2f} ps, C-F {f:.1f} A, C-I {i:.1f} A, energy kept to {1e3 * np.abs(log[:, 4] - log[0, 4]).max():.1f} meV, "
              f"{max(grades, default=0):.1f} times as far as the data" + ("" if run.returncode == 0 else ", ended by Bloch"), flush=True)


if __name__ == "__main__":
    main()
