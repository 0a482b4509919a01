#!/usr/bin/env python3
"""BioFragment dimers as the decks of this folder take them: prepare.py FOLDER, with dimer-CC-train.xyz and so on in FOLDER.

Writes XX-train.xyz and XX-test.xyz of the classes CC CP CA PP PA AA (charged, polar, apolar). Tests are the frames of
dimer-XX-test.xyz, 12 to 15 A; where there is no such file, the farthest frame. To what is learned come the two molecules
alone in the box, with their energies `energyA` and `energyB`; their forces are not known. Not so for CC and CA: there what the
pairs tend to is another energy (README.md). Needs ase."""
import sys
from pathlib import Path

from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

for label in "CC CP CA PP PA AA".split():
    frames = read(Path(sys.argv[1]) / f"dimer-{label}-train.xyz", ":")
    test = Path(sys.argv[1]) / f"dimer-{label}-test.xyz"
    learned, held = (frames, read(test, ":")) if test.exists() else (frames[:-1], frames[-1:])
    first = frames[0]
    border = int(first.info["indexB"])
    farthest = frames[len(learned) - 1].info["distance"]
    for atoms, energy in () if label in ("CC", "CA") else ((first[:border], first.info["energyA"]), (first[border:], first.info["energyB"])):
        atoms.calc, atoms.info = SinglePointCalculator(atoms, energy=energy), {}
        learned.append(atoms)
    write(f"{label}-train.xyz", learned)
    write(f"{label}-test.xyz", held)
    print(f"{label}: {first.symbols[:border]} and {first.symbols[border:]}, learned to {farthest:.1f} A, tested at "
          + ", ".join(f"{a.info['distance']:.1f}" for a in held))
