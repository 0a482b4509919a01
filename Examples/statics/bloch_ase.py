"""Bloch's forces in ASE, through `bloch evaluate`: a process for each evaluation, for comparisons and small systems."""

import os
import subprocess
import tempfile

from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.mep import NEB

PROGRAM = os.environ.get("BLOCH", ".build/release/bloch")


def evaluate(frames, model):
    """Energies and forces of all frames, by one call of the program."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = os.path.join(folder, "in.xyz"), os.path.join(folder, "out.xyz")
        bare = []
        for atoms in frames:
            atoms = atoms.copy()
            atoms.set_constraint()
            bare.append(atoms)
        write(given, bare, format="extxyz", columns=["symbols", "positions"])
        command = [PROGRAM, "evaluate", "--model", model, "--threads", "1", given, "--output", result]
        subprocess.run(command, check=True, capture_output=True)
        return read(result, ":")


class Bloch(Calculator):
    implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, model, **keywords):
        super().__init__(**keywords)
        self.model = model
        self.calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        found = evaluate([self.atoms], self.model)[0].calc.results
        self.results = {key: found[key] for key in ("energy", "forces", "stress") if key in found}
        self.results["free_energy"] = found["energy"]


class BlochNEB(NEB):
    """ASE's band, its inner images evaluated by one call of the program."""

    def __init__(self, images, model, **keywords):
        super().__init__(images, **keywords)
        self.model = model
        self.calls = 0

    def get_forces(self):
        self.calls += 1
        inner = self.images[1:-1]
        for image, found in zip(inner, evaluate(inner, self.model)):
            results = found.calc.results
            image.calc = SinglePointCalculator(image, energy=results["energy"], forces=results["forces"])
        return super().get_forces()
