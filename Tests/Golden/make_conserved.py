#!/usr/bin/env python3
"""Models with conserved sources of seeded random weights, and what the PyTorch reference computes with them: the pairs
c_*.model.h5 and c_*.frames.h5. No weight that a new model sets to zero stays zero (W_o, s);
forces are of order eV/A.

  PYTHONPATH=../shared/reference python3 Tests/Golden/make_conserved.py

needs the reference (`conserved.py`, `export_h5.py`) on the path, and what it needs: torch, mace-torch, ase.
"""
import sys
import tempfile
from pathlib import Path

import ase
import h5py
import numpy as np
import torch

import conserved
from export_h5 import evaluate, export, put, shear
from pack import pack

WATER = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])


def rotation(rng):
  """A random rotation, from a random quaternion."""
  w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
  return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                   [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                   [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])


def liquid(seed, cell, waters, ions=''):
  """Waters and ions in a cell, the most spread of many random arrangements."""
  rng, best = np.random.default_rng(seed), None
  molecule = np.repeat(np.arange(waters + len(ions)), [3] * waters + [1] * len(ions))
  for _ in range(400):
    places = rng.random((waters + len(ions), 3)) @ cell
    parts = [place + (WATER @ rotation(rng) if i < waters else np.zeros((1, 3))) for i, place in enumerate(places)]
    atoms = ase.Atoms('OHH' * waters + ''.join(ions), positions=np.concatenate(parts), cell=cell, pbc=True)
    d = atoms.get_all_distances(mic=True)
    d[molecule[:, None] == molecule] = 9
    if best is None or d.min() > best[0]:
      best = (d.min(), atoms)
  best[1].rattle(0.05, seed=seed)
  return best[1]


def free(atoms):
  return ase.Atoms(numbers=atoms.numbers, positions=atoms.positions)


def frames(species):
  """A small sheared cell, a larger one, clusters without a cell."""
  ions = ('F',) if 9 in species else ()
  small = liquid(1, np.array([[5.1, 0, 0], [0.7, 4.9, 0], [-0.5, 0.6, 4.8]]), 3, ions)
  medium = liquid(2, np.diag([9.5, 10.0, 8.7]), 12, ions * 2)
  return [('smallcell_sheared', shear(small)), ('medium_sheared', shear(medium)),
          ('cluster_nonperiodic', free(liquid(3, np.diag([8.0, 8.0, 8.0]), 5, ions))),
          ('h2o_nonperiodic', free(ase.Atoms('OHH', positions=WATER)))]


def build(seed, species, parts, use, sigma, dim, **architecture):
  """A reference model with what `export` and the importer ask for in `config`."""
  torch.manual_seed(seed)
  e0 = {1: -13.6, 8: -432.1, 9: -658.2}
  arguments = dict(hidden='16x0e', lmax=2, correlation=2, layers=2, radial_MLP=(32, 32)) | architecture
  model = conserved.lr_mace.build(
    species, r_max=4.5, avg_num_neighbors=20.0, E0s=[e0[z] for z in species], scale=0.8, shift=0.05, **arguments,
    cls=lambda **k: conserved.ConservedLRMACE(use, parts, sigma=sigma, dim=dim, **k))
  for block in model.conserved.values():
    if block.use == 'energy':
      block.s_free.data.normal_(0, 0.3)
      block.W_r.data.normal_(0, 0.03)
      block.x.data.normal_(0, 0.1)
    else:
      block.W_o.data.normal_(0, {'attention': 0.3, 'difference': 0.1}[block.use])
      block.W_r.data.normal_(0, 0.1)
  model.config = dict(
    species=species, r_max=4.5, lmax=arguments['lmax'], cutoff_p=5, num_interactions=arguments['layers'], rsa=None,
    conserved=dict(use={str(t): u for t, u in use.items()}, sigma=sigma))
  return model


def write(name, model, systems, path):
  """A reference file: the model as `export` writes it, frames with sources and potentials."""
  export(model, [], path, note='seeded random weights')
  with h5py.File(path, 'a') as f:
    for n, (label, atoms) in enumerate(systems):
      result = evaluate(model, atoms, stress=True, record=True)
      group = f.create_group(f'frames/{n:02d}_{label}')
      for key, value in dict(numbers=atoms.numbers, positions=atoms.positions, cell=np.array(atoms.cell),
                             pbc=np.array(atoms.pbc), energy=result['energy'][0], node_energy=result['node_energy'],
                             forces=result['forces']).items():
        put(group, key, value)
      if atoms.pbc.any():
        put(group, 'stress', result['stress'][0])
      for key, value in result['record'].items():
        put(group, key, value)
      x = result['record'].get(f'X_{model.config["num_interactions"] - 1}')
      print(f'{name} {label}: energy {float(result["energy"][0]):.6f} eV, largest force '
            f'{float(result["forces"].abs().max()):.2f} eV/A', '' if x is None else f'rms X {float(x.pow(2).mean().sqrt()):.3f}')


WATERS = [({8: 1, 1: 2}, 0)]
IONS = WATERS + [({9: 1}, -1)]
MODELS = {
  'c_a_difference_energy': dict(species=[1, 8], parts=WATERS, use={0: 'difference', 1: 'energy'}, sigma=1.8, dim=None),
  'c_b_vectors_ions_d24': dict(species=[1, 8, 9], parts=IONS, use={0: 'difference', 1: 'energy'}, sigma=1.8, dim=24,
                               hidden='16x0e+16x1o'),
  'c_c_attention_d10': dict(species=[1, 8, 9], parts=IONS, use={0: 'attention', 1: 'attention'}, sigma=2.0, dim=10),
  'c_d_3layers_lmax3_corr3': dict(species=[8, 1], parts=WATERS, use={0: 'difference', 1: 'difference', 2: 'energy'},
                                  sigma=2.2, dim=8, lmax=3, correlation=3, layers=3, hidden='8x0e+8x1o'),
  'c_e_1layer_d2': dict(species=[1, 8, 9], parts=IONS, use={0: 'energy'}, sigma=1.5, dim=2, layers=1),
  'c_f_energy_first': dict(species=[1, 8], parts=WATERS, use={0: 'energy', 1: 'difference'}, sigma=1.8, dim=20,
                           hidden='12x0e'),
}


def main():
  torch.set_num_threads(1)
  torch.set_default_dtype(torch.float64)
  wanted = sys.argv[1:] or list(MODELS)
  with tempfile.TemporaryDirectory() as folder:
    for seed, (name, settings) in enumerate(MODELS.items()):
      if name not in wanted:
        continue
      path = Path(folder) / f'{name}.h5'
      write(name, build(300 + seed, **settings), frames(settings['species']), path)
      pack(path)


if __name__ == '__main__':
  main()
