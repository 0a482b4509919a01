#!/usr/bin/env python3
"""Water clusters cut out of liquid water, with GFN2-xTB energies and forces.

  python3 Examples/conserved/make_clusters.py liquid.xyz FOLDER

`liquid.xyz` holds frames of a run of Inputs/water-300.xyz. Of each frame and a random centre the n molecules nearest to it are
taken as they are. FOLDER/train.xyz has clusters of 6 to 14 molecules, FOLDER/valid.xyz more of them, FOLDER/large.xyz ones of
64. GFN2-xTB (doi:10.1021/acs.jctc.8b01176) is quick and has charges that respond to their surroundings: it stands for a
reference method with long range. Needs numpy, ase and tblite; seven minutes on one core."""
import sys
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from shared import labelled


def cluster(frame, count, rng):
  """The `count` molecules whose oxygen is nearest to a random point, whole, free in space."""
  cell, positions = frame.cell.array, frame.positions
  inverse = np.linalg.inv(cell)

  def nearest(d):
    return d - np.rint(d @ inverse) @ cell

  oxygen = np.flatnonzero(frame.numbers == 8)
  hydrogen = np.flatnonzero(frame.numbers == 1)
  centre = rng.random(3) @ cell
  away = nearest(positions[oxygen] - centre)
  symbols, places = [], []
  for n in np.argsort((away**2).sum(1))[:count]:
    bonds = nearest(positions[hydrogen] - positions[oxygen[n]])
    two = np.argsort((bonds**2).sum(1))[:2]
    symbols += ['O', 'H', 'H']
    places += [away[n], *(away[n] + bonds[two])]
  return Atoms(symbols, places)


def write(path, frames, sizes, rng):
  with open(path, 'w') as file:
    for k, size in enumerate(sizes):
      file.write(labelled(cluster(frames[k % len(frames)], size, rng)))


def main():
  frames, folder = ase.io.read(sys.argv[1], ':'), Path(sys.argv[2])
  rng = np.random.default_rng(1)
  write(folder / 'train.xyz', frames, rng.integers(6, 15, 400), rng)
  write(folder / 'valid.xyz', frames, rng.integers(6, 15, 50), rng)
  write(folder / 'large.xyz', frames, [64] * 12, rng)


if __name__ == '__main__':
  main()
