#!/usr/bin/env python3
"""Errors of models on clusters of the trained size and on large ones: transfer.py FOLDER MODEL ...

For each model: mean error (bias) and mean absolute error of the energy per atom and mean absolute error of force components, on
FOLDER/valid.xyz and FOLDER/large.xyz. Calls `bloch evaluate` ($BLOCH, or .build/release/bloch). Needs numpy and ase."""
import sys
from pathlib import Path

import ase.io
import numpy as np
from shared import predicted


def errors(model, frames):
  pairs = list(zip(predicted(model, frames), ase.io.read(frames, ':')))
  energy = np.array([(p.get_potential_energy() - l.get_potential_energy()) / len(l) for p, l in pairs])
  forces = np.concatenate([(p.get_forces() - l.get_forces()).ravel() for p, l in pairs])
  return 1e3 * energy.mean(), 1e3 * abs(energy).mean(), 1e3 * abs(forces).mean()


def main():
  folder = Path(sys.argv[1])
  print('                                small: bias, MAE meV/atom, MAE meV/A        large')
  for model in sys.argv[2:]:
    rows = ['%7.2f %6.2f %7.1f' % errors(model, folder / name) for name in ('valid.xyz', 'large.xyz')]
    print(f'{Path(model).name:32}' + '              '.join(rows), flush=True)


if __name__ == '__main__':
  main()
