#!/usr/bin/env python3
"""Adds long-range blocks with random weights to every layer of a Bloch model, to time them.

  python3 Benchmarks/add_attention.py MODEL.h5 OUT.h5 [--conserved] [--width 32] [--sigma 1.8] [--seed 1]

Reciprocal-space attention with one head per column (d = 1), or conserved sources: differences of potential in all layers but
the last, which has the energy. Output weights, and charges, are 1e-3: they cost what any cost and leave the dynamics of the
model nearly as it was. Needs numpy and h5py."""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'Tools'))
from bloch_model import read_model, write_model


def attention(normal, channels, D):
  """(attributes, arrays) of a layer; `normal` draws numbers of a shape."""
  data = {name: normal(channels, D) / np.sqrt(channels) for name in ('W_q', 'W_k', 'W_v')}
  data['W_o'] = 1e-3 * normal(D, channels) / np.sqrt(D)
  data['filter'] = np.ones((D, 1))
  return dict(phi='silu', norm='rms_qk'), data


def conserved(normal, channels, D, species, basis, is_last):
  """(attributes, arrays) of a layer."""
  data = {name: normal(channels, D) / np.sqrt(channels) for name in ('W_a', 'W_b')}
  data['W_r'] = 1e-3 * normal(basis, D) / np.sqrt(basis)
  data['xbar'] = 1e-3 * normal(species, D)
  if is_last:
    return dict(use='energy'), data | {'s': np.ones(D)}
  data['W_q'] = normal(channels, D) / np.sqrt(channels)
  data['W_p'] = normal(basis, D) / np.sqrt(basis)
  data['W_o'] = normal(D, channels) / np.sqrt(D)
  return dict(use='difference'), data


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('model')
  p.add_argument('output')
  p.add_argument('--conserved', action='store_true', help='conserved sources in place of attention')
  p.add_argument('--width', type=int, default=32)
  p.add_argument('--sigma', type=float, default=1.8, help='A')
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  rng = np.random.default_rng(a.seed)
  attributes, data = read_model(a.model)
  channels, D, layers = int(attributes['']['channels']), a.width, int(attributes['']['num_layers'])
  for t in range(layers):
    def normal(*shape):
      return rng.normal(size=shape)
    if a.conserved:
      group = f'layers/{t}/conserved'
      settings, arrays = conserved(
        normal, channels, D, len(data['species']), len(data['bessel_frequencies']), t + 1 == layers)
    else:
      group = f'layers/{t}/rsa'
      settings, arrays = attention(normal, channels, D)
    attributes[group] = settings
    data |= {f'{group}/{name}': value for name, value in arrays.items()}
  data['rsa/sigmas'] = np.array([a.sigma])
  attributes['rsa'] = dict(heads=D, width=D, weight='coulomb', eps=1e-6, subtract_self=1)
  write_model(a.output, attributes, data)


if __name__ == '__main__':
  main()
