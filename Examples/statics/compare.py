"""Minimum, cell, barrier and frequencies by Bloch and by ASE with Bloch's forces, side by side.

    python3 Examples/statics/compare.py [--monomer] [--resting] [minimum] [cell] [modes] [barrier] [fire]

`--monomer` takes one water molecule in the place of two for minimum and modes, which is quick; `--resting` only
holds Bloch's band against ASE's forces. Run from the root of the repository; BLOCH names the program, MODEL the model. Files go to
a temporary folder.
"""

import os
import re
import subprocess
import sys
import tempfile

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import BFGS, FIRE, FIRE2
from ase.vibrations import VibrationsData

sys.path.insert(0, os.path.dirname(__file__))
from bloch_ase import PROGRAM, Bloch, BlochNEB, evaluate

MODEL = os.path.abspath(os.environ.get("MODEL", "Models/water.h5"))
HERE = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp(prefix="bloch-ase-")


def bloch(command, name, text):
    """Runs a deck; its output folder is `folder`."""
    deck = os.path.join(folder, name + ".yaml")
    with open(deck, "w") as file:
        file.write(f"model: {MODEL}\noutput: {{folder: {folder}}}\nthreads: 1\n" + text)
    run = subprocess.run([PROGRAM, command, deck, "--overwrite"], capture_output=True, text=True)
    if run.returncode not in [0, 5]:
        sys.exit(run.stderr)
    return run.stdout


def last(name):
    """The last frame of a run."""
    frames = os.path.join(folder, name + ".xyz")
    if os.path.exists(frames):
        os.remove(frames)
    subprocess.run([PROGRAM, "export", os.path.join(folder, name + ".trajectory.h5"), frames], check=True,
                   capture_output=True)
    return read(frames, "-1")


def path(name):
    return os.path.join(folder, name)


def dimer():
    """Two water molecules, one a donor to the other."""
    atoms = Atoms(
        "OHHOHH",
        [[0, 0, 0], [0.96, 0.05, 0], [-0.25, 0.93, 0.1], [2.9, 0, 0], [3.3, 0.5, 0.75], [3.3, 0.5, -0.75]])
    return atoms[:3] if "--monomer" in sys.argv else atoms


def distances(atoms):
    return np.sort(atoms.get_all_distances().ravel())


def minimised(algorithm, force=1e-3):
    """The minimum by Bloch."""
    write(path("dimer.xyz"), dimer())
    words = bloch(
        "minimize", algorithm,
        f"structure: dimer.xyz\nminimize: {{algorithm: {algorithm}, force: {force} eV/A}}\n"
        "steps: 5000\ntrajectory: {precision: double}\n")
    steps = int(re.search(r"at step (\d+)", words)[1])
    atoms = last(algorithm)
    print(f"minimum  Bloch {algorithm:7s} {atoms.get_potential_energy():.6f} eV   {steps + 1} evaluations")
    return atoms


def fire():
    """The same minimum by FIRE 2.0, which takes its time along soft modes."""
    ours = minimised("fire")
    theirs = dimer()
    theirs.calc = Bloch(MODEL)
    FIRE2(theirs, logfile=None).run(fmax=1e-3, steps=5000)
    print(f"minimum  ASE FIRE2     {theirs.get_potential_energy():.6f} eV   {theirs.calc.calls} evaluations")
    print(f"minimum  differs by {(ours.get_potential_energy() - theirs.get_potential_energy()) * 1e3:.4f} meV")


def minimum():
    ours = minimised("l-bfgs")
    theirs = dimer()
    theirs.calc = Bloch(MODEL)
    BFGS(theirs, logfile=None).run(fmax=1e-3, steps=500)
    print(f"minimum  ASE BFGS      {theirs.get_potential_energy():.6f} eV   {theirs.calc.calls} evaluations")
    difference = ours.get_potential_energy() - theirs.get_potential_energy()
    shape = np.abs(distances(ours) - distances(theirs)).max()
    print(f"minimum  differs by {difference * 1e3:.4f} meV, distances by {shape:.4f} A")
    assert abs(difference) < 1e-3


def cell():
    water = read(os.path.join(HERE, "../../Tests/EndToEndTests/water-8.xyz"))
    write(path("water.xyz"), water, columns=["symbols", "positions"])
    words = bloch(
        "minimize", "cell",
        "structure: water.xyz\nminimize: {cell: triclinic, pressure: 0.5 GPa, force: 0.002 eV/A, stress: 0.002 GPa}\n"
        "steps: 2000\ntrajectory: {precision: double}\n")
    ours = last("cell")
    theirs = water.copy()
    theirs.calc = Bloch(MODEL)
    pressure = 0.5 / 160.21766208
    BFGS(FrechetCellFilter(theirs, scalar_pressure=pressure), logfile=None).run(fmax=0.002, steps=600)
    enthalpies = []
    for name, atoms in [("Bloch", ours), ("ASE", theirs)]:
        enthalpies.append(atoms.get_potential_energy() + pressure * atoms.get_volume())
        print(f"cell     {name:6s} H {enthalpies[-1]:.5f} eV   V {atoms.get_volume():.3f} A^3   "
              f"a, b, c {np.round(atoms.cell.lengths(), 3)}   angles {np.round(atoms.cell.angles(), 2)}")
    print(f"cell     differs by {(enthalpies[0] - enthalpies[1]) * 1e3:.3f} meV; {re.search('Converged.*', words)[0]}")


def modes():
    rest = minimised("l-bfgs", 1e-4)
    write(path("rest.xyz"), Atoms(rest.symbols, rest.positions))
    bloch("modes", "modes", "structure: rest.xyz\nmodes: {displacement: 0.01 A}\n")
    ours = np.loadtxt(path("modes.modes.tsv"))[:, 1]
    frames = []
    for atom in range(len(rest)):
        for axis in range(3):
            for sign in [1, -1]:
                moved = Atoms(rest.symbols, rest.positions)
                moved.positions[atom, axis] += sign * 0.01
                frames.append(moved)
    forces = np.array([frame.get_forces() for frame in evaluate(frames, MODEL)]).reshape(-1, 2, 3 * len(rest))
    hessian = -(forces[:, 0] - forces[:, 1]) / 0.02
    hessian = (hessian + hessian.T) / 2
    data = VibrationsData.from_2d(Atoms(rest.symbols, rest.positions), hessian)
    theirs = data.get_frequencies()
    theirs = np.sort(theirs.real - theirs.imag)[-len(ours):]
    print("modes    Bloch ", np.round(ours, 2))
    print("modes    ASE   ", np.round(theirs, 2))
    # ASE leaves rotations among its modes: they mix a little into the softest vibrations.
    print(f"modes    differ by {np.abs(ours - theirs).max():.3f} 1/cm at most")


def barrier():
    """The donor turns about its oxygen and gives its other hydrogen; nothing else moves."""
    first = minimised("l-bfgs")
    turned = first.copy()
    turned.positions[[1, 2]] = turned.positions[[2, 1]]
    for name, atoms in [("first", first), ("last", turned)]:
        write(path(name + ".xyz"), Atoms(atoms.symbols, atoms.positions))
    keys = "structure: first.xyz\nfixed: [1, 4-6]\nneb: {final: last.xyz, images: 5, force: 0.01 eV/A}\n"
    words = bloch("neb", "neb", keys + "steps: 2000\n")
    ours = float(re.search(r"barrier (\S+) eV", words)[1])
    print(f"barrier  {re.search('Converged.*', words)[0]}")
    # Where Bloch's band rests, ASE's rests, too.
    settings = {"k": 1.0, "climb": True, "method": "improvedtangent"}
    chain = BlochNEB(read(path("neb.band.xyz"), ":"), MODEL, **settings)
    size = np.sqrt((chain.get_forces() ** 2).sum(axis=1).max())
    print(f"barrier  Bloch {ours:.4f} eV, ASE's largest force on its band {size:.4f} eV/A")
    if "--resting" in sys.argv:
        return
    # ASE's own way from the same path: that of no steps.
    bloch("neb", "path", keys + "steps: 0\n")
    chain = BlochNEB(read(path("path.band.xyz"), ":"), MODEL, **settings)
    FIRE(chain, logfile=None).run(fmax=0.01, steps=1000)
    energies = [image.get_potential_energy() for image in chain.images]
    theirs = max(energies) - energies[0]
    print(f"barrier  Bloch {ours:.4f} eV   ASE {theirs:.4f} eV ({chain.calls} evaluations of the band)   "
          f"differ by {(ours - theirs) * 1e3:.2f} meV")


if __name__ == "__main__":
    known = {"minimum": minimum, "cell": cell, "modes": modes, "barrier": barrier, "fire": fire}
    for name in [word for word in sys.argv[1:] if word in known] or known:
        known[name]()
    print("files:", folder)
