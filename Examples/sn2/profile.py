#!/usr/bin/env python3
"""The reaction path and the tails by models, against PBE0: profile.py PICTURE.png NAME=MODEL.h5 ...

Reads lines-pbe0.xyz beside this script. Energies are those of the complex less those of its fragments at rest, F- and CH3I: one
constant for reference and model each, for the whole surface. Prints the path, interaction energies of ion and molecule by side,
direction and distance in meV (PBE0's, and the difference of each model), and dipole moments of the molecules at rest: from
charges, and from what changes its sign from one end of a molecule to the other at 15 A. Calls `bloch evaluate` ($BLOCH, or
.build/release/bloch). Needs ase, numpy, matplotlib."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from ase import units
from ase.io import read
from make_lines import BOND

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
BLOCH = os.environ.get("BLOCH", HERE.parents[1] / ".build/release/bloch")
DATA = HERE / "lines-pbe0.xyz"
# Of PBE0's density (PySCF's dip_moment) at the geometries at rest, e A, from carbon to halogen.
DIPOLES = {"CH3F": -0.378, "CH3I": -0.358}
K_E = units.Hartree * units.Bohr                          # eV A / e^2


def evaluated(model):
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out.xyz"
        subprocess.run([BLOCH, "evaluate", "--model", model, DATA, "--output", out], check=True, capture_output=True)
        return read(out, ":")


def tables(frames, energies):
    """Path {rc: eV} against F- and CH3I, tails {(molecule, direction): {distance: meV}} against their own fragments."""
    rest = {str(a.symbols): e for a, e in zip(frames, energies) if a.info["kind"] == "rest"}
    whole = rest["F"] + rest["CH3I"]
    path = {a.info["rc"]: e - whole for a, e in zip(frames, energies) if a.info["kind"] == "path"}
    tails = {}
    for a, e in zip(frames, energies):
        if a.info["kind"] != "line": continue
        molecule = a.info["molecule"]
        apart = rest[molecule] + rest["F" if molecule == "CH3I" else "I"]
        tails.setdefault((molecule, a.info["direction"]), {})[a.info["distance"]] = 1e3 * (e - apart)
    return path, tails


def main():
    picture, models = sys.argv[1], dict(x.split("=", 1) for x in sys.argv[2:])
    frames = read(DATA, ":")
    path, tails = tables(frames, [a.get_potential_energy() for a in frames])
    found = {name: tables(frames, [a.get_potential_energy() for a in evaluated(m)]) for name, m in models.items()}
    print(f'{"rc, A":>8}{"PBE0, eV":>10}' + "".join(f"{name + ', meV':>22}" for name in found))
    for rc, e in sorted(path.items()):
        print(f"{rc:8.2f}{e:10.3f}" + "".join(f"{1e3 * (p[rc] - e):22.1f}" for p, _ in found.values()))
    for (molecule, direction), line in tails.items():
        ion = "F-" if molecule == "CH3I" else "I-"
        print(f"\n{ion} and {molecule}, {direction:18}" + "".join(f"{d:8g}" for d in line) + "   A")
        print(f'{"PBE0":27}' + "".join(f"{e:8.1f}" for e in line.values()) + "   meV")
        for name, (_, t) in found.items():
            print(f"{name:27}" + "".join(f"{t[molecule, direction][d] - e:8.1f}" for d, e in line.items()))

    def of_tail(molecule, t):
        d = 15 + 0.5 * BOND[molecule[-1]]
        charge = -1
        return 1e-3 * (t[molecule, "halogen"][15] - t[molecule, "carbon"][15]) / 2 * d**2 / (K_E * charge)

    print("\ndipole, e A" + " " * 16 + "".join(f"{m:>22}" for m in DIPOLES))
    print(f'{"PBE0":27}' + "".join(f"{d:11.3f}{of_tail(m, tails):11.3f}" for m, d in DIPOLES.items()))
    for name, model in models.items():
        own = {str(a.symbols): a.calc.results["dipole"] for a in evaluated(model) if a.info["kind"] == "rest" and "dipole" in a.calc.results}
        print(f"{name:27}" + "".join(f'{own[m][2] if m in own else float("nan"):11.3f}{of_tail(m, found[name][1]):11.3f}' for m in DIPOLES)
              + "   from charges, from tails")

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    rc = np.array(sorted(path))
    left.plot(rc, [path[x] for x in rc], "k.", label="PBE0")
    for n, (name, (p, _)) in enumerate(found.items()): left.plot(rc, [p[x] for x in rc], f"C{n}", label=name)
    left.set(xlabel="d(C-I) - d(C-F), A", ylabel="energy against F$^-$ + CH$_3$I, eV")
    left.legend(frameon=False)
    line = tails["CH3I", "carbon"]
    right.plot(list(line), list(line.values()), "k.")
    for n, (name, (_, t)) in enumerate(found.items()):
        right.plot(list(line), list(t["CH3I", "carbon"].values()), f"C{n}")
    right.set(xlabel="F$^-$ behind CH$_3$I, A from carbon", ylabel="interaction, meV")
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
