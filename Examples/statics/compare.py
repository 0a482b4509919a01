"""Minimum, cell, barrier and frequencies by Bloch and by ASE with Bloch's forces, side by side.

    python3 Examples/statics/compare.py [--monomer] [--resting] [minimum] [cell] [modes] [barrier] [fire]

ASE's forces come from `bloch serve` through its SocketIOCalculator. `--monomer` takes one water molecule in the place of two for
minimum and modes, which is quick; `--resting` only holds Bloch's band against ASE's forces. Run from the root of the
repository; BLOCH names the program, MODEL the model. Files go to a temporary folder.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # matrices of 3 x 3: threads of numpy's would only get in the way
import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import all_changes
from ase.calculators.socketio import SocketIOCalculator
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.mep import NEB
from ase.optimize import BFGS, FIRE, FIRE2
from ase.vibrations import VibrationsData

PROGRAM = os.path.abspath(os.environ.get("BLOCH", ".build/release/bloch"))
MODEL = os.path.abspath(os.environ.get("MODEL", "Models/water.h5"))
HERE = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp(prefix="bloch-ase-")


class Bloch(SocketIOCalculator):
    """Bloch's forces behind a socket; the program starts with the first evaluation and ends with the `with` block."""

    def __init__(self):
        super().__init__(unixsocket=os.path.basename(folder), launch_client=self.launch)
        self.calls = 0

    def launch(self, atoms, properties, port, unixsocket):
        deck(f"serve: {{ipi: unix:{unixsocket}}}\nstructure: served.xyz\nthreads: 1\n", "served")
        write(path("served.xyz"), Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc))
        return subprocess.Popen([PROGRAM, "serve", path("served.yaml")], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        self.calls += 1
        super().calculate(atoms, properties, system_changes)


def path(name):
    return os.path.join(folder, name)


def deck(text, name):
    with open(path(name + ".yaml"), "w") as file:
        file.write(f"model: {MODEL}\n" + text)


def bloch(command, name, text):
    """Runs a deck; its output folder is `folder`."""
    deck(f"output: {{folder: {folder}}}\nthreads: 1\n" + text, name)
    run = subprocess.run([PROGRAM, command, path(name + ".yaml"), "--overwrite"], capture_output=True, text=True)
    if run.returncode not in [0, 5]:
        sys.exit(run.stderr)
    return run.stdout


def last(name):
    """The last frame of a run."""
    if os.path.exists(path(name + ".xyz")):
        os.remove(path(name + ".xyz"))
    subprocess.run([PROGRAM, "export", path(name + ".trajectory.h5"), path(name + ".xyz")], check=True,
                   capture_output=True)
    return read(path(name + ".xyz"), "-1")


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


def minimum_by(optimizer, ours):
    theirs = dimer()
    with Bloch() as calculator:
        theirs.calc = calculator
        optimizer(theirs, logfile=None).run(fmax=1e-3, steps=5000)
        energy = theirs.get_potential_energy()
        print(f"minimum  ASE {optimizer.__name__:9s} {energy:.6f} eV   {calculator.calls} evaluations")
    difference = ours.get_potential_energy() - energy
    shape = np.abs(distances(ours) - distances(theirs)).max()
    print(f"minimum  differs by {difference * 1e3:.4f} meV, distances by {shape:.4f} A")
    assert abs(difference) < 1e-3


def fire():
    """The same minimum by FIRE, which takes its time along soft modes: Bloch's is FIRE 2.0, as ASE's FIRE2."""
    ours = minimised("fire")
    minimum_by(FIRE2, ours)
    minimum_by(FIRE, ours)


def minimum():
    minimum_by(BFGS, minimised("l-bfgs"))


def cell():
    """Eight molecules in a box that may change in every way, back to a minimum from which they were shaken: of a liquid's
    many minima every optimizer would else find one of its own."""
    keys = "cell: triclinic, pressure: 0.5 GPa, force: 0.001 eV/A, stress: 0.001 GPa"
    pressure = 0.5 * units.GPa

    def relaxed(algorithm, structure):
        words = bloch("minimize", "cell", f"structure: {structure}\nminimize: {{algorithm: {algorithm}, {keys}}}\n"
                      "steps: 20000\ntrajectory: {precision: double}\n")
        return last("cell"), int(re.search(r"at step (\d+)", words)[1]) + 1

    rest, _ = relaxed("l-bfgs", os.path.join(HERE, "../../Tests/EndToEndTests/water-8.xyz"))
    start = Atoms(rest.symbols, rest.positions, cell=rest.cell, pbc=True)
    start.set_cell(start.cell @ (np.eye(3) + 0.01 * np.array([[1, 1, 0], [0, -1, 1], [1, 0, 1]])), scale_atoms=True)
    start.rattle(0.02, seed=1)
    write(path("shaken.xyz"), start)
    found = []
    for algorithm in ["l-bfgs", "fire"]:
        atoms, calls = relaxed(algorithm, "shaken.xyz")
        found.append((f"Bloch {algorithm}", atoms, atoms.get_potential_energy(), calls))
    for optimizer in [BFGS, FIRE2, FIRE]:
        atoms = read(path("shaken.xyz"))
        with Bloch() as calculator:
            atoms.calc = calculator
            optimizer(FrechetCellFilter(atoms, scalar_pressure=pressure), logfile=None).run(fmax=1e-3, steps=20000)
            found.append((f"ASE {optimizer.__name__}", atoms, atoms.get_potential_energy(), calculator.calls))
    enthalpies = [energy + pressure * atoms.get_volume() for _, atoms, energy, _ in found]
    for (name, atoms, _, calls), enthalpy in zip(found, enthalpies):
        print(f"cell     {name:13s} H {enthalpy:.6f} eV   V {atoms.get_volume():.3f} A^3   {calls:5d} evaluations\n"
              f"cell     {'':13s} a, b, c {np.round(atoms.cell.lengths(), 3)}   angles {np.round(atoms.cell.angles(), 2)}")
    print(f"cell     differ by {np.ptp(enthalpies) * 1e3:.4f} meV at most")


def modes():
    rest = minimised("l-bfgs", 1e-4)
    write(path("rest.xyz"), Atoms(rest.symbols, rest.positions))
    bloch("modes", "modes", "structure: rest.xyz\nmodes: {displacement: 0.01 A}\n")
    ours = np.loadtxt(path("modes.modes.tsv"))[:, 1]
    forces = []
    moved = Atoms(rest.symbols, rest.positions)
    with Bloch() as calculator:
        moved.calc = calculator
        for atom in range(len(rest)):
            for axis in range(3):
                for sign in [1, -1]:
                    moved.positions[:] = rest.positions
                    moved.positions[atom, axis] += sign * 0.01
                    forces.append(moved.get_forces())
    forces = np.array(forces).reshape(-1, 2, 3 * len(rest))
    hessian = -(forces[:, 0] - forces[:, 1]) / 0.02
    data = VibrationsData.from_2d(Atoms(rest.symbols, rest.positions), (hessian + hessian.T) / 2)
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

    def band(name, calculator):
        images = read(path(name + ".band.xyz"), ":")
        for image in images:
            image.calc = calculator
        return NEB(images, k=1.0, climb=True, method="improvedtangent", allow_shared_calculator=True)

    with Bloch() as calculator:
        # Where Bloch's band rests, ASE's rests, too.
        size = np.sqrt((band("neb", calculator).get_forces() ** 2).sum(axis=1).max())
        print(f"barrier  Bloch {ours:.4f} eV, ASE's largest force on its band {size:.4f} eV/A")
        if "--resting" in sys.argv:
            return
        # ASE's own way from the same path: that of no steps.
        bloch("neb", "path", keys + "steps: 0\n")
        chain = band("path", calculator)
        optimizer = FIRE(chain, logfile=None)
        optimizer.run(fmax=0.01, steps=1000)
        energies = [image.get_potential_energy() for image in chain.images]
        theirs = max(energies) - energies[0]
        print(f"barrier  Bloch {ours:.4f} eV   ASE {theirs:.4f} eV ({optimizer.nsteps} steps of the band)   "
              f"differ by {(ours - theirs) * 1e3:.2f} meV")


if __name__ == "__main__":
    known = {"minimum": minimum, "cell": cell, "modes": modes, "barrier": barrier, "fire": fire}
    for name in [word for word in sys.argv[1:] if word in known] or known:
        start = time.time()
        known[name]()
        print(f"{name:8s} {time.time() - start:.1f} s")
    print("files:", folder)
