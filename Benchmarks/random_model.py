#!/usr/bin/env python3
"""Writes a short-range Bloch model of water with random weights, none of them dead, to time it.

  python3 Benchmarks/random_model.py OUT.h5 [--channels 128] [--hidden 0] [--lmax 3] [--layers 2] [--cutoff 4.5] [--seed 1]

--hidden is the highest degree of the features between layers: 0 is 128x0e, 1 is 128x0e+128x1o. Correlation 3, two
residual layers as mace-torch makes them. Weights keep variances; energies have a scale of 1 meV, so that atoms move as
they did at the start. Needs numpy and h5py."""
import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'Tools'))
import symmetric_contraction as contraction
from bloch_model import write_model


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('output')
  p.add_argument('--channels', type=int, default=128)
  p.add_argument('--hidden', type=int, default=0)
  p.add_argument('--lmax', type=int, default=3)
  p.add_argument('--layers', type=int, default=2)
  p.add_argument('--cutoff', type=float, default=4.5, help='A')
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  rng = np.random.default_rng(a.seed)
  C, species, neighbors, basis, width = a.channels, [1, 8], 39, 8, 64

  def weights(*shape):
    """Normal, of variance 1 / (what the matrix sums over)."""
    return rng.normal(size=shape) / np.sqrt(shape[-2])

  S, degrees = len(species), range(a.lmax + 1)
  attributes = {'': dict(
    name=f'random {C} channels', provenance='random weights (Benchmarks/random_model.py)', r_max=a.cutoff, lmax=a.lmax,
    channels=C, num_layers=a.layers, correlation=3, cutoff_p=5, bessel_prefactor=np.sqrt(2 / a.cutoff), scale=1e-3,
    shift=0.0)}
  data = {'species': np.array(species), 'E0': np.zeros(S), 'embedding': weights(1, C).repeat(S, 0) * [[1.0], [-0.5]],
          'bessel_frequencies': np.pi / a.cutoff * np.arange(1, basis + 1)}
  for t in range(a.layers):
    entering = 0 if t == 0 else a.hidden
    leaving = 0 if t == a.layers - 1 else a.hidden
    paths = sorted(((l1, l2, l3) for l1 in range(entering + 1) for l2 in degrees for l3 in degrees
                    if contraction.triangle(l1, l2, l3)), key=lambda path: (path[2], path))
    group = f'layers/{t}'
    attributes[group] = dict(input_lmax=entering, output_lmax=leaving)
    attributes[f'{group}/readout'] = dict(kind='linear')
    sizes = [basis, width, width, width, len(paths) * C]
    layer = {f'radial/{i}': weights(*size) for i, size in enumerate(zip(sizes, sizes[1:]))}
    layer['paths'] = np.array(paths)
    for l in range(entering + 1):
      layer[f'linear_up/{l}'] = weights(C, C)
    for l in degrees:
      count = sum(path[2] == l for path in paths)
      layer[f'linear/{l}'] = weights(1, count * C, C) / np.sqrt(neighbors)
    for L in range(leaving + 1):
      pairs = contraction.pair_candidates(a.lmax, L)
      triples = contraction.independent_triples(a.lmax, L, leaving == 0)
      layer |= {f'contraction/{L}/pairs': np.array(pairs), f'contraction/{L}/triples': np.array(triples),
                f'contraction/{L}/weights1': weights(1, S, C)[0],
                f'contraction/{L}/weights2': weights(S, len(pairs), C),
                f'contraction/{L}/weights3': weights(S, len(triples), C), f'product/{L}': weights(C, C)}
      if L <= entering:
        layer[f'skip/{L}'] = weights(S, C, C)
    layer['readout/weights'] = weights(C, 1)[:, 0]
    data |= {f'{group}/{name}': array for name, array in layer.items()}
  write_model(a.output, attributes, data)


if __name__ == '__main__':
  main()
