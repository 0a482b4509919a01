#!/usr/bin/env python3
"""Models with what the published MACE foundation models use, of seeded random weights, and what mace-torch computes with
them: the pairs f_*.model.h5 and f_*.frames.h5. Atoms are close enough for the repulsion to matter.

  python3 Tests/Golden/make_foundation.py [NAME ...]

needs torch, mace-torch and ase.
"""
import subprocess
import sys
from pathlib import Path

import mace  # noqa: F401  before e3nn
import ase
import h5py
import numpy as np
import torch
from ase.data import covalent_radii
from e3nn import o3
from mace import data, modules, tools

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / 'Tools'
sys.path.insert(0, str(TOOLS))
import import_mace  # noqa: E402
from bloch_model import write_model  # noqa: E402
from mace_sources import source_from_mace  # noqa: E402

E0 = {1: -13.6, 6: -1029.3, 8: -432.1, 14: -8.3, 29: -3.7}
DENSITY = dict(first='RealAgnosticDensityInteractionBlock', later='RealAgnosticDensityResidualInteractionBlock')

MODELS = {
  'f_a_density': DENSITY,
  'f_b_agnesi': dict(distance_transform='Agnesi', strength=1),
  'f_c_repulsion': dict(pair_repulsion=True, strength=30),
  'f_d_head': dict(heads=['left', 'right', 'far'], head='right', first='RealAgnosticInteractionBlock', strength=30),
  'f_e_soft_density_residual': dict(
    distance_transform='Soft', first='RealAgnosticDensityResidualInteractionBlock', num_interactions=1),
  'f_f_all': DENSITY | dict(
    species=[1, 8, 14, 29], distance_transform='Agnesi', pair_repulsion=True, heads=['low', 'high'], head='high',
    max_ell=3, correlation=3, num_bessel=10, strength=30),
}


def build(seed, species=(1, 6, 8), first='RealAgnosticResidualInteractionBlock',
          later='RealAgnosticResidualInteractionBlock', heads=('Default',), head=None, strength=10, **options):
  torch.manual_seed(seed)
  rng = np.random.default_rng(seed)
  energies = np.array([[E0[z] + h for z in species] for h in range(len(heads))])
  arguments = dict(
    r_max=4.5, num_bessel=8, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=len(species),
    interaction_cls_first=getattr(modules.blocks, first), interaction_cls=getattr(modules.blocks, later),
    hidden_irreps=o3.Irreps('4x0e+4x1o'), MLP_irreps=o3.Irreps('4x0e'), atomic_energies=energies,
    avg_num_neighbors=12.0, atomic_numbers=list(species), correlation=2, gate=torch.nn.functional.silu,
    radial_MLP=[8, 8], heads=list(heads), atomic_inter_scale=rng.uniform(0.5, 1, len(heads)),
    atomic_inter_shift=rng.uniform(-0.2, 0.2, len(heads)))
  model = modules.ScaleShiftMACE(**(arguments | options))
  # Forces beside those of the repulsion, of order one.
  for readout in model.readouts:
    getattr(readout, 'linear_2', getattr(readout, 'linear', None)).weight.data *= strength
  return model


def packed(seed, species, cell, count, squeezed):
  """Atoms in a cell, of many random arrangements the one whose closest pair is farthest, by covalent radii; if squeezed,
  the cell shrinks until that pair is at 0.87 of these."""
  rng, best = np.random.default_rng(seed), None
  numbers = np.resize(species, count)
  reach = covalent_radii[numbers][:, None] + covalent_radii[numbers]
  for _ in range(3000):
    atoms = ase.Atoms(numbers=numbers, positions=rng.random((count, 3)) @ cell, cell=cell, pbc=True)
    d = atoms.get_all_distances(mic=True) / reach + 9 * np.eye(count)
    if best is None or d.min() > best[0]:
      best = (d.min(), atoms)
  if squeezed:
    best[1].set_cell(best[1].cell * (0.87 / best[0]), scale_atoms=True)
  return best[1]


def systems(species, squeezed):
  """A small sheared cell, a larger one, a cluster without a cell, and a pair."""
  small = packed(1, species, np.array([[4.0, 0, 0], [0.6, 3.8, 0], [-0.4, 0.5, 3.7]]), 6, squeezed)
  medium = packed(2, species, np.array([[5.7, 0, 0], [0.4, 6.0, 0], [-0.6, 0.3, 5.9]]), 20, squeezed)
  cluster = packed(3, species, np.diag([4.1, 4.1, 4.1]), 9, squeezed)
  z = list(species)[:2]
  pair = ase.Atoms(numbers=z, positions=[[0, 0, 0], 0.8 * sum(covalent_radii[z]) * np.array([0.6, 0, 0.8])])
  free = ase.Atoms(numbers=cluster.numbers, positions=cluster.positions)
  return [('smallcell_sheared', small), ('medium_sheared', medium), ('cluster_nonperiodic', free),
          ('pair_nonperiodic', pair)]


def evaluate(model, atoms, head):
  """Energy, energies of atoms, forces and stress by mace-torch."""
  heads = model.heads
  config = data.config_from_atoms(atoms, head_name=head or heads[0])
  table = tools.AtomicNumberTable([int(z) for z in model.atomic_numbers])
  graph = data.AtomicData.from_config(config, z_table=table, cutoff=float(model.r_max), heads=heads)
  batch = next(iter(tools.torch_geometric.dataloader.DataLoader([graph], batch_size=1))).to_dict()
  out = model(batch, compute_stress=bool(atoms.pbc.any()))
  return {k: out[k].detach().numpy() for k in ('energy', 'node_energy', 'forces', 'stress') if out[k] is not None}


def main():
  torch.set_num_threads(1)
  torch.set_default_dtype(torch.float64)
  for seed, (name, settings) in enumerate(MODELS.items()):
    if name not in (sys.argv[1:] or MODELS):
      continue
    model, head = build(400 + seed, **settings), settings.get('head')
    path, frames = HERE / f'{name}.model.h5', HERE / f'{name}.frames.h5'
    source = source_from_mace(model, name, 'seeded random weights (mace-torch)', head)
    write_model(str(path), *import_mace.fold(source))
    with h5py.File(frames, 'w') as f:
      for n, (label, atoms) in enumerate(
          systems(settings.get('species', (1, 6, 8)), 'pair_repulsion' in settings)):
        out = evaluate(model, atoms, head)
        group = f.create_group(f'frames/{n:02d}_{label}')
        values = dict(energy=out['energy'][0], node_energy=out['node_energy'], forces=out['forces'],
                      positions=atoms.positions, cell=np.array(atoms.cell))
        if atoms.pbc.any():
          values['stress'] = out['stress'][0]
        for key, value in values.items():
          group.create_dataset(key, data=np.asarray(value, '<f8'))
        group.create_dataset('numbers', data=np.asarray(atoms.numbers, '<i4'))
        group.create_dataset('pbc', data=np.asarray(atoms.pbc, 'u1'))
        print(f'{name} {label}: energy {float(out["energy"][0]):.6f} eV, largest force '
              f'{np.abs(out["forces"]).max():.2f} eV/A')
    subprocess.run([sys.executable, TOOLS / 'check_model.py', path, frames], check=True)


if __name__ == '__main__':
  main()
