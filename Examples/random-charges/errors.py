#!/usr/bin/env python3
"""Errors of models on labelled frames: errors.py MODEL ... -- FRAMES.xyz ...

For every file and model the mean absolute error of energies (meV/atom), their mean error with its standard error (a bias of
boxes unlike the training's), and the mean absolute error of force components (meV/A). Calls `bloch evaluate` ($BLOCH, or
.build/release/bloch). Needs ase, numpy."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase.io import read

BLOCH = os.environ.get('BLOCH', Path(__file__).resolve().parents[2] / '.build/release/bloch')


def evaluated(model, path):
  with tempfile.TemporaryDirectory() as folder:
    out = f'{folder}/out.xyz'
    subprocess.run([BLOCH, 'evaluate', '--model', model, path, '--output', out], check=True, capture_output=True)
    return read(out, ':')


def main():
  split = sys.argv.index('--')
  print(f'{"frames":24}{"model":24}{"atoms":>6}{"energy MAE":>12}{"mean error":>20}{"forces MAE":>12}')
  for path in sys.argv[split + 1:]:
    frames = read(path, ':')
    for model in sys.argv[1:split]:
      found = evaluated(model, path)
      energy = 1e3 * np.array([(a.get_potential_energy() - b.get_potential_energy()) / len(a) for a, b in zip(found, frames)])
      force = 1e3 * np.mean([abs(a.get_forces() - b.get_forces()).mean() for a, b in zip(found, frames)])
      mean = f'{energy.mean():.3f} +- {energy.std(ddof=1) / len(energy)**0.5:.3f}'
      print(f'{Path(path).stem:24}{Path(model).name.split(".")[0]:24}{len(frames[0]):6}{abs(energy).mean():12.3f}{mean:>20}{force:12.2f}')


if __name__ == '__main__':
  main()
