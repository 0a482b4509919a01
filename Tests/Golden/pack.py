#!/usr/bin/env python3
"""Turns reference files (model, frames and probe in one HDF5 file) into the pairs NAME.model.h5 and
NAME.frames.h5 that the tests read.

  python3 Tests/Golden/pack.py REFERENCE.h5 ...
"""
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / 'Tools'

FRAME = ('numbers', 'positions', 'cell', 'pbc', 'energy', 'node_energy', 'forces', 'stress')
FEATURES = ('h_', 'u_', 'G_row0_')  # first frame only
SOURCES = ('X_', 'phi_')
PROBE = ('edge_vector', 'spherical_harmonics', 'bessel_times_cutoff', 'A_', 'sym_contraction_')


def copy(source, target, wanted):
  """Datasets whose name is in `wanted`, or begins with an entry of it that ends in an underscore."""
  for name, dataset in source.items():
    if any(name == w or w.endswith('_') and name.startswith(w) for w in wanted):
      out = target.create_dataset(name, data=dataset[()])
      out.attrs.update({k: np.int32(v) for k, v in dataset.attrs.items() if k == 'n_half_k'})


def pack(path):
  model, frames = HERE / f'{path.stem}.model.h5', HERE / f'{path.stem}.frames.h5'
  subprocess.run([sys.executable, TOOLS / 'import_mace.py', path, model, '--name', path.stem], check=True)
  with h5py.File(path) as f, h5py.File(frames, 'w') as out:
    for i, (name, frame) in enumerate(f['frames'].items()):
      if 'bulk' in name:  # structures published by others stay where they are
        continue
      copy(frame, out.create_group(f'frames/{name}'), FRAME + SOURCES + FEATURES * (i == 0))
    if 'probe' in f:
      probe = out.create_group('probe')
      probe.attrs['atom'] = np.int32(f['probe'].attrs['atom'])
      copy(f['probe'], probe, PROBE)
  subprocess.run([sys.executable, TOOLS / 'check_model.py', model, frames], check=True)


if __name__ == '__main__':
  for argument in sys.argv[1:]:
    pack(Path(argument))
