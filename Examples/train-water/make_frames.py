#!/usr/bin/env python3
"""The water example of DeePMD-kit as extended XYZ: make_frames.py .../deepmd-kit/examples/water/data

Writes water-train.xyz (300 frames) and water-valid.xyz (the last 20) to the present folder. The data are folders data_0 to data_3
with `type.raw` (0 for O, 1 for H) and `set.*/coord.npy`, `box.npy`, `energy.npy`, `force.npy` (A, eV, eV/A). Needs numpy."""
import sys
from pathlib import Path

import numpy as np


def frames(system):
  species = np.array(['O', 'H'])[np.loadtxt(system / 'type.raw', dtype=int)]
  for folder in sorted(system.glob('set.*')):
    coordinates, boxes, energies, forces = (
      np.load(folder / f'{name}.npy').astype(float) for name in ('coord', 'box', 'energy', 'force'))
    for x, box, energy, force in zip(coordinates, boxes, energies.ravel(), forces):
      rows = zip(species, x.reshape(-1, 3), force.reshape(-1, 3))
      lattice = ' '.join(f'{v:.10g}' for v in box)
      yield (f'{len(species)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3:forces:R:3 energy={energy:.8f} pbc="T T T"\n'
             + ''.join(s + ''.join(f' {v:.8f}' for v in (*r, *f)) + '\n' for s, r, f in rows))


def main():
  found = [frame for system in sorted(Path(sys.argv[1]).glob('data_*')) for frame in frames(system)]
  for name, part in (('train', found[:-20]), ('valid', found[-20:])):
    Path(f'water-{name}.xyz').write_text(''.join(part))
    print(f'water-{name}.xyz: {len(part)} frames')


if __name__ == '__main__':
  main()
