#!/usr/bin/env python3
"""Adds reciprocal-space attention with random weights to every layer of a Bloch model, to time it.

  python3 Benchmarks/add_attention.py MODEL.h5 OUT.h5 [--width 32] [--sigma 1.8] [--seed 1]

One head per column (d = 1). Output weights are 1e-3: they cost what any weights cost and leave the dynamics of the
model nearly as it was. Needs numpy and h5py."""
import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'Tools'))
from import_mace import write_model


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('model')
  p.add_argument('output')
  p.add_argument('--width', type=int, default=32)
  p.add_argument('--sigma', type=float, default=1.8, help='A')
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  rng, data, attributes = np.random.default_rng(a.seed), {}, {}

  def visit(path, node):
    if isinstance(node, h5py.Dataset):
      data[path] = node[()]
    attributes[path] = dict(node.attrs)

  with h5py.File(a.model) as f:
    f.visititems(visit)
    attributes[''] = {k: v for k, v in f.attrs.items() if k not in ('format', 'version', 'sha256')}
  attributes = {path: values for path, values in attributes.items() if values}
  channels, D = int(attributes['']['channels']), a.width
  for t in range(int(attributes['']['num_layers'])):
    group = f'layers/{t}/rsa'
    for name in ('W_q', 'W_k', 'W_v'):
      data[f'{group}/{name}'] = rng.normal(size=(channels, D)) / np.sqrt(channels)
    data[f'{group}/W_o'] = 1e-3 * rng.normal(size=(D, channels)) / np.sqrt(D)
    data[f'{group}/sigmas'], data[f'{group}/filter'] = np.array([a.sigma]), np.ones((D, 1))
    attributes[group] = dict(heads=D, width=D, phi='silu', weight='coulomb', norm='rms_qk', eps=1e-6, subtract_self=1)
  write_model(a.output, attributes, data)


if __name__ == '__main__':
  main()
