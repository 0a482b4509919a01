#!/usr/bin/env python3
"""Chloride and chloromethane with GFN2-xTB energies and forces: make_ion.py FOLDER.

FOLDER/ion-train.xyz and ion-valid.xyz have the ion 3 to 8 A from the carbon in any direction, and both alone; ion-line.xyz has it
on two straight lines, towards the chlorine (pole) and across the bond (side), from 5 to 16 A and at 60 A, with the molecule at rest. Needs
numpy, ase and tblite; two minutes."""
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.optimize import BFGS
from shared import labelled
from tblite.ase import TBLite


def calculator(charge):
  return TBLite(method='GFN2-xTB', verbosity=0, charge=charge, accuracy=0.01)


def frame(atoms, charge, more=''):
  return labelled(atoms, f' charge={charge}{more}', charge=charge, accuracy=0.01)


def main():
  folder, rng = Path(sys.argv[1]), np.random.default_rng(1)
  rest = molecule('CH3Cl')
  rest.calc = TBLite(method='GFN2-xTB', verbosity=0, charge=0, accuracy=0.01)
  BFGS(rest, logfile=None).run(fmax=1e-3)
  carbon, chlorine = (int(np.flatnonzero(rest.numbers == z)[0]) for z in (6, 17))
  rest.positions -= rest.positions[carbon]

  def rattled():
    atoms = rest.copy()
    atoms.positions += rng.normal(0, 0.05, atoms.positions.shape)
    return atoms

  def pair():
    while True:
      atoms, u = rattled(), rng.normal(size=3)
      ion = rng.uniform(3, 8) * u / np.linalg.norm(u)
      if np.linalg.norm(atoms.positions - ion, axis=1).min() > 2.5:
        return atoms + Atoms('Cl', [ion])

  def write(name, pairs, alone):
    text = [frame(pair(), -1) for _ in range(pairs)] + [frame(rattled(), 0) for _ in range(alone)]
    (folder / name).write_text(''.join(text + [frame(Atoms('Cl', [[0, 0, 0]]), -1)]))

  write('ion-train.xyz', 800, 80)
  write('ion-valid.xyz', 80, 10)
  pole = rest.positions[chlorine] / np.linalg.norm(rest.positions[chlorine])
  side = np.cross(pole, [1, 0, 0] if abs(pole[0]) < 0.5 else [0, 1, 0])
  lines = []
  for name, u in (('pole', pole), ('side', side / np.linalg.norm(side))):
    for r in (5, 6, 7, 8, 9, 10, 12, 14, 16, 60):
      lines.append(frame(rest + Atoms('Cl', [r * u]), -1, f' direction={name} distance={r}'))
  (folder / 'ion-line.xyz').write_text(''.join(lines))
  for s, m in (('H', 2), ('C', 3), ('Cl', 2)):
    free = Atoms(s)
    free.calc = TBLite(method='GFN2-xTB', verbosity=0, multiplicity=m)
    print(f'{s} alone {free.get_potential_energy():.3f} eV')


if __name__ == '__main__':
  main()
