#!/usr/bin/env python3
"""Layers of black phosphorus, PBE-D4: data for `bloch train`, and the curve that it is held against.

  make_phosphorene.py sample CONFIGURATIONS.xyz            what is to be computed
  make_phosphorene.py label CONFIGURATIONS.xyz OUT.xyz     adds energies and forces

Single layers (4 atoms, and 16 in two cells by two), pairs of layers and the bulk (8 atoms), in cells that are strained by up to 3 % and
with atoms displaced by 0.02 to 0.12 A, gaps of 2.4 to 15 A between layers; and, `name=curve-...`, not for training, layers at rest
in pairs and in bulk. `label` is PBE in GPAW (plane waves of 300 eV, 9 x 7 points in the plane of one cell, three along the bulk's axis,
Fermi smearing of 0.05 eV) and D4 with three-body terms (dftd4) on top; OUT.xyz grows by one frame at a time, and frames that it has are left out. Where the gap is beyond 8.5 A, PBE's layers
are computed one by one and added (checked at 8.5 A: `curve-pair-8.5` both ways), D4's are not. Needs GPAW (Debian: gpaw, gpaw-data),
ase, dftd4."""
import argparse
import re
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

# Brown and Rundqvist, doi:10.1107/S0365110X65004140.
ZIGZAG, ARMCHAIR, HEIGHT = 3.3136, 4.3763, 10.478
ACROSS, ALONG = 0.1034 * HEIGHT, 0.0806 * ARMCHAIR
LAYER = np.array([
    (0, ALONG, ACROSS), (ZIGZAG / 2, ARMCHAIR / 2 - ALONG, ACROSS),
    (ZIGZAG / 2, ARMCHAIR / 2 + ALONG, -ACROSS), (0, -ALONG, -ACROSS)])
REST = HEIGHT / 2 - 2 * ACROSS
VACUUM = 10
SEPARATE = 8.5


def layers(count, gap, is_bulk):
  """`gap` is between the planes of atoms that face each other; neighbours are shifted by half of the zigzag vector."""
  positions = np.concatenate([LAYER + (ZIGZAG / 2 * (n % 2), 0, n * (2 * ACROSS + gap)) for n in range(count)])
  height = count * (2 * ACROSS + gap) if is_bulk else (count - 1) * (2 * ACROSS + gap) + 2 * ACROSS + VACUUM
  atoms = Atoms(f'P{4 * count}', positions, cell=(ZIGZAG, ARMCHAIR, height), pbc=(True, True, is_bulk))
  atoms.positions[:, 2] += ACROSS + (gap / 2 if is_bulk else VACUUM / 2)
  return atoms


def disturb(atoms, rng):
  strain = np.zeros((3, 3))
  strain[:2, :2] = rng.uniform(-0.03, 0.03, (2, 2))
  strain[1, 0] = 0
  atoms.set_cell(atoms.cell @ (np.eye(3) + strain), scale_atoms=True)
  atoms.positions += rng.normal(0, rng.uniform(0.02, 0.12), atoms.positions.shape)


def sample(out):
  rng = np.random.default_rng(5)
  frames = []
  def add(name, atoms):
    atoms.info['name'] = name
    frames.append(atoms)
  # So that every part of the file has something of all.
  for n in range(20):
    for kind, count, is_bulk, nearest, farthest in [
        ('pair', 2, False, 2.4, 5), ('layer', 1, False, 3, 3), ('bulk', 2, True, 2.4, 4.5), ('pair', 2, False, 4, SEPARATE),
        ('pair', 2, False, SEPARATE, 15)]:
      if kind == 'bulk' and n % 2:
        continue
      gap = rng.uniform(nearest, farthest)
      atoms = layers(count, gap, is_bulk)
      disturb(atoms, rng)
      add(f'{kind}-{len(frames)}', atoms)
    if n == 0:
      add('curve-layer', layers(1, 3, False))
    gaps = [*np.arange(2.5, 4.01, 0.25), 4.5, 5, 5.5, 6, 7, 8, 8.5, 9, 10, 11, 12, 13.5, 15]
    if n < len(gaps):
      add(f'curve-pair-{gaps[n]:g}', layers(2, gaps[n], False))
      if gaps[n] <= 8:
        add(f'curve-bulk-{gaps[n]:g}', layers(2, gaps[n], True))
  for n in range(12):
    atoms = layers(1, 3, False).repeat((2, 2, 1))
    disturb(atoms, rng)
    add(f'sheet-{n}', atoms)
  write(out, frames, format='extxyz')


def pbe(atoms):
  from gpaw import GPAW, PW, FermiDirac
  periodic = atoms.copy()
  periodic.pbc = True
  periodic.calc = GPAW(
      mode=PW(300), xc='PBE', txt=None,
      kpts={'size': (9, 7, 3 if atoms.pbc[2] else 1) if atoms.cell.lengths()[0] < 5 else (5, 3, 1), 'gamma': True},
      occupations=FermiDirac(0.05), convergence={'energy': 1e-6, 'density': 1e-5})
  return periodic.get_potential_energy(), periodic.get_forces()


def pbe_of_layers(atoms):
  energy, forces = 0, []
  for first in range(0, len(atoms), 4):
    layer = atoms[first:first + 4]
    layer.cell[2] = (0, 0, 2 * ACROSS + VACUUM)
    layer.positions[:, 2] += layer.cell[2, 2] / 2 - layer.positions[:, 2].mean()
    e, f = pbe(layer)
    energy += e
    forces.append(f)
  return energy, np.concatenate(forces)


def d4(atoms):
  from dftd4.ase import DFTD4
  atoms = atoms.copy()
  if not atoms.pbc[2]:
    # dftd4 repeats along every axis; images farther than its cut-off of 32 A are none.
    atoms.cell[2] = (0, 0, np.ptp(atoms.positions[:, 2]) + 60)
  atoms.calc = DFTD4(method='PBE')
  return atoms.get_potential_energy(), atoms.get_forces()


def label(source, out):
  done = {a.info['name'] for a in read(out, ':')} if Path(out).exists() else set()
  for atoms in read(source, ':'):
    name = atoms.info['name']
    if name in done:
      continue
    z = np.sort(atoms.positions[:, 2])
    is_far = not atoms.pbc[2] and len(atoms) == 8 and z[4] - z[3] > SEPARATE
    energy, forces = pbe_of_layers(atoms) if is_far else pbe(atoms)
    if name == 'curve-pair-8.5':
      print(f'{name}: PBE {energy:.5f} eV, of its layers {pbe_of_layers(atoms)[0]:.5f}', flush=True)
    e4, f4 = d4(atoms)
    atoms.info['energy_pbe'] = energy
    atoms.info['energy'] = energy + e4
    atoms.arrays['forces'] = forces + f4
    atoms.calc = None
    write(out, atoms, format='extxyz', append=True)
    print(f'{name}: {energy + e4:.5f} eV, largest force {abs(forces + f4).max():.2f} eV/A', flush=True)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  commands = parser.add_subparsers(dest='command', required=True)
  commands.add_parser('sample').add_argument('out')
  labels = commands.add_parser('label')
  labels.add_argument('source')
  labels.add_argument('out')
  a = parser.parse_args()
  sample(a.out) if a.command == 'sample' else label(a.source, a.out)


if __name__ == '__main__':
  main()
