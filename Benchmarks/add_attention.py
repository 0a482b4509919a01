#!/usr/bin/env python3
"""Adds reciprocal-space attention with random weights to every layer of a Bloch model, to time it.

  python3 Benchmarks/add_attention.py MODEL.h5 OUT.h5 [--width 32] [--sigma 1.8] [--seed 1]

One head per column (d = 1). Output weights are 1e-3: they cost what any weights cost and leave the dynamics of the
model nearly as it was. Needs numpy and h5py."""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'Tools'))
from bloch_model import read_model, write_model


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('model')
  p.add_argument('output')
  p.add_argument('--width', type=int, default=32)
  p.add_argument('--sigma', type=float, default=1.8, help='A')
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  rng = np.random.default_rng(a.seed)
  attributes, data = read_model(a.model)
  channels, D = int(attributes['']['channels']), a.width
  for t in range(int(attributes['']['num_layers'])):
    group = f'layers/{t}/rsa'
    for name in ('W_q', 'W_k', 'W_v'):
      data[f'{group}/{name}'] = rng.normal(size=(channels, D)) / np.sqrt(channels)
    data[f'{group}/W_o'] = 1e-3 * rng.normal(size=(D, channels)) / np.sqrt(D)
    data[f'{group}/filter'] = np.ones((D, 1))
    attributes[group] = dict(phi='silu', norm='rms_qk')
  data['rsa/sigmas'] = np.array([a.sigma])
  attributes['rsa'] = dict(heads=D, width=D, weight='coulomb', eps=1e-6, subtract_self=1)
  write_model(a.output, attributes, data)


if __name__ == '__main__':
  main()
