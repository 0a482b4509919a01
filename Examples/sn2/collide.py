#!/usr/bin/env python3
"""Collisions of F- with CH3I: collide.py MODEL FOLDER ENERGY FIRST LAST

Trajectory n of FIRST <= n < LAST begins with F- 12 A from CH3I's centre of mass, in any direction of the molecule (300 K, not rotating),
with ENERGY (eV) of relative motion and an impact parameter up to 5 A (b^2 uniform), and runs at constant energy by `bloch run` ($BLOCH
or .build/release/bloch) for 2 ps and the time in which F- would fly 24 A. Appends a line a trajectory to FOLDER/collisions.tsv:

  n, energy          what it began with, eV
  outcome            reacted (CH3F and I- farther than 8 A apart), passed (CH3I, F- beyond 8 A), bound (neither yet), failed (Bloch ended
                     it, C-I below 1.3 A, or an energy that drifted by more than 50 meV)
  capture_ps         first time with F within 3.5 A of C
  product_vibration  of CH3F after a reaction: potential energy above its minimum and kinetic energy of its vibration, eV, mean of the last 50 fs
  product_rotation, product_translation       of CH3F, and of both products, eV
  drift_meV          largest change of the energy
  grade              how far an atom was from the model's data, 1 for the farthest atom there

Needs ase, numpy."""
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
MASSES = Atoms(SYMBOLS).get_masses()
COLUMNS = ["n", "energy", "outcome", "capture_ps", "product_vibration", "product_rotation", "product_translation", "drift_meV", "grade"]

DECK = """structure: {n}.xyz
model: {model}
ensemble: nve
velocities: structure
timestep: 0.25 fs
steps: {steps}
threads: 1
trajectory: {{every: 5 fs, charges: true}}
log: {{every: 5 fs}}
"""


def start(seed, energy, distance=12.0, most=5.0, temperature=300):
    """F- on its way to CH3I, and its speed in A/fs."""
    rng = np.random.default_rng([20261128, seed])
    m = MASSES
    molecule = np.array(molecule_at_rest("I"))
    molecule -= m[1:] @ molecule / m[1:].sum()
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))          # any orientation
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0: q[:, 0] *= -1
    molecule = molecule @ q.T
    v = rng.normal(size=(5, 3)) * np.sqrt(units.kB * temperature / m[1:, None])
    v -= m[1:] @ v / m[1:].sum()
    inertia = sum(mass * (x @ x * np.eye(3) - np.outer(x, x)) for mass, x in zip(m[1:], molecule))
    v -= np.cross(np.linalg.solve(inertia, (m[1:, None] * np.cross(molecule, v)).sum(0)), molecule)
    b = most * np.sqrt(rng.uniform())
    reduced = m[0] * m[1:].sum() / m.sum()
    speed = np.sqrt(2 * energy / reduced)
    a = Atoms(SYMBOLS, np.vstack([[b, 0, -np.sqrt(distance**2 - b**2)], molecule]))
    a.set_velocities(np.vstack([[0, 0, speed * reduced / m[0]], v - [0, 0, speed * reduced / m[1:].sum()]]))
    return a, speed * units.fs


def motions(m, r, v):
    """Kinetic energies (eV) of the centre of mass, of rotation and of vibration."""
    centre, drift = m @ r / m.sum(), m @ v / m.sum()
    x, u = r - centre, v - drift
    inertia = sum(mass * (y @ y * np.eye(3) - np.outer(y, y)) for mass, y in zip(m, x))
    angular = (m[:, None] * np.cross(x, u)).sum(0)
    rotation = 0.5 * angular @ np.linalg.solve(inertia, angular)
    return 0.5 * m.sum() * drift @ drift, rotation, 0.5 * (m[:, None] * u * u).sum() - rotation


def bloch(folder, *arguments):
    return subprocess.run([BLOCH, *arguments], cwd=folder, capture_output=True, text=True)


def internal_energies(folder, model, frames):
    """Of CH3F alone in these frames, eV."""
    write(f"{folder}/ch3f.xyz", [Atoms(a.symbols[:5], a.positions[:5]) for a in frames], format="extxyz")
    Path(folder, "ch3f.out.xyz").unlink(missing_ok=True)
    bloch(folder, "evaluate", "--model", model, "ch3f.xyz", "--output", "ch3f.out.xyz", "--threads", "1")
    return np.array([a.get_potential_energy() for a in read(f"{folder}/ch3f.out.xyz", index=":")])


def main():
    model, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    energy, first, last = float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    os.makedirs(folder, exist_ok=True)
    lowest = None
    table = Path(folder, "collisions.tsv")
    if not table.exists(): table.write_text("\t".join(COLUMNS) + "\n")
    for n in range(first, last):
        a, speed = start(n, energy)
        write(f"{folder}/{n}.xyz", a, format="extxyz")
        Path(folder, f"{n}.yaml").write_text(DECK.format(n=n, model=model, steps=int((24 / speed + 2000) / 5) * 20))
        Path(folder, f"{n}.out.xyz").unlink(missing_ok=True)
        run = bloch(folder, "run", f"{n}.yaml", "--overwrite")
        bloch(folder, "export", f"{n}.trajectory.h5", f"{n}.out.xyz")
        frames = read(f"{folder}/{n}.out.xyz", index=":")
        log = np.loadtxt(f"{folder}/{n}.log.tsv")
        to_f, to_i = (np.array([a.get_distance(1, k) for a in frames]) for k in (0, 5))
        drift = 1e3 * np.abs(log[:, 4] - log[0, 4]).max()
        grade = max([float(g) for g in re.findall(r"([0-9.]+) times", run.stdout + run.stderr)], default=0)
        row = dict.fromkeys(COLUMNS, "nan") | dict(n=n, energy=energy, drift_meV=f"{drift:.1f}", grade=f"{grade:.2f}")
        close = np.flatnonzero(to_f < 3.5)
        if len(close): row["capture_ps"] = f"{close[0] * 0.005:.3f}"
        if run.returncode or drift > 50 or to_i.min() < 1.3: row["outcome"] = "failed"
        elif to_f[-1] < 2.5 and to_i[-1] > 8:
            row["outcome"] = "reacted"
            lowest = lowest or minimum(folder, model)
            ends = frames[-10:]
            parts = np.array([motions(MASSES[:5], e.positions[:5], e.get_velocities()[:5]) for e in ends])
            ion = np.array([0.5 * MASSES[5] * e.get_velocities()[5] @ e.get_velocities()[5] for e in ends])
            row["product_vibration"] = f"{(parts[:, 2] + internal_energies(folder, model, ends) - lowest).mean():.4f}"
            row["product_rotation"] = f"{parts[:, 1].mean():.4f}"
            row["product_translation"] = f"{(parts[:, 0] + ion).mean():.4f}"
        elif to_i[-1] < 3.5 and to_f[-1] > 8: row["outcome"] = "passed"
        else: row["outcome"] = "bound"
        with table.open("a") as f: f.write("\t".join(str(row[c]) for c in COLUMNS) + "\n")
        print(*(f"{c} {row[c]}" for c in COLUMNS), flush=True)


def minimum(folder, model):
    """Energy of CH3F at rest by the model, eV."""
    write(f"{folder}/rest.xyz", Atoms("FCH3", np.roll(molecule_at_rest("F"), 1, axis=0)), format="extxyz")
    Path(folder, "rest.yaml").write_text(f"minimize: {{force: 0.001 eV/A}}\nstructure: rest.xyz\nmodel: {model}\n")
    bloch(folder, "minimize", "rest.yaml", "--overwrite")
    Path(folder, "rest.out.xyz").unlink(missing_ok=True)
    bloch(folder, "export", "rest.trajectory.h5", "rest.out.xyz")
    return internal_energies(folder, model, [read(f"{folder}/rest.out.xyz", index=-1)])[0]


if __name__ == "__main__":
    main()
