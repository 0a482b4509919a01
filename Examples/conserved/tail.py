#!/usr/bin/env python3
"""Interaction of an ion and a dipole by models: tail.py FOLDER MODEL ...

E(r) - E(60 A) of FOLDER/ion-line.xyz in meV: GFN2-xTB, and for each model its difference from that. Calls `bloch evaluate`
($BLOCH, or .build/release/bloch). Needs numpy and ase."""
import sys
from pathlib import Path

import ase.io
import numpy as np
from shared import predicted


def curves(frames, energies):
  """Interaction by direction: {direction: ([r], [meV])}."""
  lines = {}
  for frame, energy in zip(frames, energies):
    lines.setdefault(frame.info['direction'], []).append((frame.info['distance'], energy))
  return {name: (np.array([r for r, _ in line[:-1]]), 1e3 * np.array([e - line[-1][1] for _, e in line[:-1]]))
          for name, line in lines.items()}


def main():
  path = Path(sys.argv[1]) / 'ion-line.xyz'
  frames = ase.io.read(path, ':')
  reference = curves(frames, [f.get_potential_energy() for f in frames])
  for name, (r, e) in reference.items():
    print(f'{name:28}' + ''.join(f'{x:8g}' for x in r) + '   A')
    print(f'{"GFN2-xTB":28}' + ''.join(f'{x:8.1f}' for x in e) + '   meV')
    for model in sys.argv[2:]:
      energies = [f.get_potential_energy() for f in predicted(model, path)]
      print(f'{Path(model).stem:28}' + ''.join(f'{x:8.1f}' for x in curves(frames, energies)[name][1] - e))


if __name__ == '__main__':
  main()
