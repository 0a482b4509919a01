#!/usr/bin/env python3
"""Two layers and the bulk of black phosphorus drawn apart: curve.py PICTURE.png NAME=MODEL.h5 ... (curve.xyz of split.py).

Energy per atom less that of a single layer, by PBE-D4 and by models (less each one's own single layer), in meV, by the gap between the
planes of atoms that face each other. Calls `bloch evaluate` ($BLOCH, or .build/release/bloch). Needs ase, matplotlib."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from ase.io import read

matplotlib.use('Agg')
import matplotlib.pyplot as plt

BLOCH = os.environ.get('BLOCH', Path(__file__).resolve().parents[2] / '.build/release/bloch')


def evaluated(model):
  with tempfile.TemporaryDirectory() as folder:
    subprocess.run([BLOCH, 'evaluate', '--model', model, 'curve.xyz', '--output', f'{folder}/e.xyz'], check=True, capture_output=True)
    return read(f'{folder}/e.xyz', ':')


def curves(frames, names):
  """{kind: [(gap, meV per atom)]}"""
  energy = {name: a.get_potential_energy() / len(a) for name, a in zip(names, frames)}
  rows = {}
  for name, e in energy.items():
    parts = name.split('-')
    if len(parts) == 3:
      rows.setdefault(parts[1], []).append((float(parts[2]), 1e3 * (e - energy['curve-layer'])))
  return {kind: np.array(sorted(r)).T for kind, r in rows.items()}


def main():
  reference = read('curve.xyz', ':')
  names = [a.info['name'] for a in reference]
  found = {'PBE-D4': curves(reference, names)}
  for argument in sys.argv[2:]:
    label, model = argument.split('=', 1)
    found[label] = curves(evaluated(model), names)
  figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
  for axis, (kind, words) in zip(axes, [('pair', 'two layers'), ('bulk', 'bulk')]):
    print(f'{words}, meV per atom by gap in A\n{"":10}' + ''.join(f'{g:8g}' for g in found['PBE-D4'][kind][0]))
    for n, (label, rows) in enumerate(found.items()):
      gap, e = rows[kind]
      less = 0 if n == 0 else found['PBE-D4'][kind][1]
      print(f'{label:10}' + ''.join(f'{v:8.2f}' for v in e - less) + ('' if n == 0 else f'   largest {abs(e - less).max():.2f}'))
      axis.plot(gap, e, 'k.' if n == 0 else f'C{n - 1}', label=label)
    axis.set(xlabel='gap between layers, A', title=words)
    axis.grid(alpha=0.3)
  axes[0].set_ylabel('meV per atom')
  axes[0].legend()
  figure.tight_layout()
  figure.savefig(sys.argv[1], dpi=130)


if __name__ == '__main__':
  main()
