#!/usr/bin/env python3
"""Derivatives of a loss by the parameters of small random models, and the first losses of Adam, by PyTorch's double backward:
NAME.model.h5 and NAME.numbers.h5 beside this file.

  PYTHONPATH=../shared/reference python3 Tests/TrainingTests/torch/gradients.py

needs the reference (`lr_mace.py`, `conserved.py`) on the path, and what it needs: torch, mace-torch, ase.

Parameters are those of Sources/LRMACEModel/ModelParameters.swift. e3nn's raw weights are just these, one by one; of the
symmetric contraction, whose raw weights depend on each other, they are the weights of the independent couplings, each in the
unit that is the norm of MACE's couplings in it. The numbers file holds frames with labels, `loss`, `gradient/BLOCK`,
`units/BLOCK`, and `losses`: 50 steps of Adam (AMSGrad) on one frame after another."""
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.nn.utils import parametrize

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path[:0] = [str(ROOT / 'Tools'), str(ROOT / 'Tests/Golden')]

import conserved
import lr_mace
import symmetric_contraction as sc
from export_h5 import export
from import_mace import fold
from mace.modules import RealAgnosticResidualInteractionBlock
from mace_sources import read_reference
from make_conserved import IONS, WATERS, frames

WEIGHTS = dict(energy=10.0, forces=1.0, stress=300.0)
RATE, STEPS = 0.005, 50


# ------------------------------------------------------------------ models
def build(seed, species, parts=None, use=None, sigma=1.8, dim=None, rsa=None, **architecture):
  """All layers are residual, as those of new models."""
  torch.manual_seed(seed)
  e0 = {1: -13.6, 8: -432.1, 9: -658.2}
  arguments = dict(hidden='8x0e', lmax=2, correlation=2, layers=2, radial_MLP=(16, 16), mlp=8) | architecture

  def make(**k):
    k['interaction_cls_first'] = RealAgnosticResidualInteractionBlock
    if use:
      return conserved.ConservedLRMACE(use, parts, sigma=sigma, dim=dim, **k)
    return lr_mace.LRMACE(rsa=rsa, **k)

  model = lr_mace.build(species, r_max=4.5, avg_num_neighbors=20.0, E0s=[e0[z] for z in species], scale=0.8, shift=0.05,
                        **arguments, cls=make)
  for block in getattr(model, 'conserved', {}).values():
    if block.use == 'energy':
      block.s_free.data.normal_(0, 0.3)
      block.W_r.data.normal_(0, 0.03)
      block.x.data.normal_(0, 0.1)
    else:
      block.W_o.data.normal_(0, 0.1)
      block.W_r.data.normal_(0, 0.1)
  for block in getattr(model, 'rsa', {}).values():
    block.W_o.data.normal_(0, 0.2)
    if rsa.get('gate'):
      block.W_g.data.normal_(0, 0.2)
  model.config = dict(
    species=species, r_max=4.5, lmax=arguments['lmax'], cutoff_p=5, num_interactions=arguments['layers'], rsa=model.rsa_cfg,
    **({'conserved': dict(use={str(t): u for t, u in use.items()}, sigma=sigma)} if use else {}))
  return model


MODELS = {
  't_a_scalars': dict(species=[1, 8], rsa=dict(heads=8, sigma=[1.8], norm='rms_qk', subtract_self=True)),
  't_b_vectors_gate_filter': dict(
    species=[1, 8, 9], hidden='8x0e+8x1o', lmax=3, correlation=3,
    rsa=dict(heads=2, dim=4, filter=[1.5, 3.0], norm='rms', gate=True, subtract_self=True)),
  't_c_tensors': dict(species=[8, 1], hidden='4x0e+4x1o+4x2e', lmax=2, correlation=3, layers=3),
  't_d_correlation1': dict(species=[1, 8], correlation=1, rsa=dict(heads=2, dim=4, filter=[1.5, 3.0], phi='softplus')),
  't_e_conserved': dict(species=[1, 8, 9], parts=IONS, use={0: 'difference', 1: 'energy'}, dim=6, hidden='8x0e+8x1o'),
  't_f_conserved_attention': dict(species=[1, 8], parts=WATERS, use={0: 'attention', 1: 'energy'}, dim=5),
}


# ------------------------------------------------------------------ the symmetric contraction's parameters
def norms(lmax, L, triples):
  """Norm of the coordinates of MACE's couplings in each of these triples (ContractionBasis.swift)."""
  column = lambda t: sc.symmetrised(sc.triple_tensor(lmax, L, t)[:1])[:, 0]
  trees = [(l1, l2, l12, l3) for l12 in range(2 * lmax + 1) for l3 in range(lmax + 1) if sc.triangle(l12, l3, L)
           for l1 in range(lmax + 1) for l2 in range(lmax + 1) if sc.triangle(l1, l2, l12)]
  basis = np.stack([column(t) for t in triples], axis=1)
  mace = np.stack([np.sqrt((2 * t[2] + 1) * (2 * L + 1)) * column(t) for t in trees], axis=1)
  return np.linalg.norm(np.linalg.lstsq(basis, mace, rcond=None)[0], axis=1)


def couplings(module, lmax, L, nu, even_first):
  """X [independent, MACE's] and the units of the independent ones."""
  u = module.U_tensors(nu).detach().numpy().reshape((2 * L + 1,) + ((lmax + 1) ** 2,) * nu + (-1,))
  if nu == 1:
    return sc.solve([sc.single_tensor(lmax, L)], u)[0], np.ones(1)
  if nu == 2:
    pairs = sc.pair_candidates(lmax, L)
    units = np.array([np.sqrt((2 * L + 1) * (1 if a == b else 2)) for a, b in pairs])
    return sc.solve([sc.pair_tensor(lmax, L, p) for p in pairs], u)[0], units
  triples = sc.independent_triples(lmax, L, even_first)
  return sc.solve([sc.triple_tensor(lmax, L, t) for t in triples], u)[0], norms(lmax, L, triples)


class Independent(torch.nn.Module):
  """MACE's weights [S, n, C] from parameters of independent couplings [S, t, C]."""

  def __init__(self, x, units):
    super().__init__()
    self.register_buffer('forth', torch.tensor(np.linalg.pinv(x) * units))
    self.register_buffer('back', torch.tensor(x / units[:, None]))

  def forward(self, theta):
    return torch.einsum('kt,stc->skc', self.forth, theta)

  def right_inverse(self, w):
    return torch.einsum('tk,skc->stc', self.back, w)


def parametrise(model, lmax):
  """-> {block: (parameter [S, t, C], units [t])} of all contractions."""
  found = {}
  for t, product in enumerate(model.products):
    contractions = product.symmetric_contractions.contractions
    for L, module in enumerate(contractions):
      correlation = module.correlation
      for nu in range(1, correlation + 1):
        owner, name = (module, 'weights_max') if nu == correlation else (module.weights, str(correlation - 1 - nu))
        x, units = couplings(module, lmax, L, nu, len(contractions) == 1)
        parametrize.register_parametrization(owner, name, Independent(x, units))
        found[f'layers/{t}/contraction/{L}/weights{nu}'] = (owner.parametrizations[name].original, units)
  return found


# ------------------------------------------------------------------ gradients by block
def blocks(source, model, contractions, read):
  """What `read` makes of each parameter, by Bloch's blocks: e3nn's flat weights are put in place as the importer does."""
  source.state = dict(source.state)
  for name, parameter in model.named_parameters():
    name = name.replace('parametrizations.', '').replace('.original', '')
    if parameter.numel() and name in source.state and 'symmetric_contractions' not in name:
      source.state[name] = read(parameter).reshape(source.state[name].shape)
  data = {k: v for k, v in fold(source)[1].items() if 'contraction' not in k}
  for name, (parameter, _) in contractions.items():
    value = read(parameter)
    data[name] = value[:, 0] if name.endswith('weights1') else value
  for t, block in getattr(model, 'conserved', {}).items():
    group = f'layers/{t}/conserved'
    data[f'{group}/xbar'] = read(block.x)
    if block.use == 'energy':
      data[f'{group}/s'] = np.concatenate([[0.0], read(block.s_free)])
      data.pop(f'{group}/c', None)
    else:
      data[f'{group}/c'] = read(block.c)
  return data


def numbers(name, settings):
  model = build(**settings)
  lmax = model.config['lmax']
  with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / f'{name}.h5'
    export(model, [], path, note='seeded random weights')
    subprocess.run([sys.executable, ROOT / 'Tools/import_mace.py', path, HERE / f'{name}.model.h5', '--name', name],
                   check=True)
    source = read_reference(path, name)
  contractions = parametrise(model, lmax)
  parameters = [p for p in model.parameters() if p.numel()]

  systems = [atoms for label, atoms in frames(settings['species']) if label != 'medium_sheared']
  rng = np.random.default_rng(7)
  graphs, labels = [], []
  for atoms in systems:
    graph = lr_mace.frame_graph(atoms, settings['species'], 4.5)
    out = model(lr_mace.collate([graph]), training=False, compute_stress=bool(atoms.pbc.any()))
    noise = lambda shape, size: torch.tensor(rng.normal(0, size, shape))
    stress = None
    if atoms.pbc.any():
      n = noise((3, 3), 0.02)
      stress = (out['stress'][0] + n + n.T).detach()
    labels.append(dict(energy=(out['energy'] + noise(1, 2.0)).detach(), forces=(out['forces'] + noise((len(atoms), 3), 0.8)).detach(),
                       stress=stress))
    graphs.append(graph)

  def loss(indices):
    n_s = sum(labels[i]['stress'] is not None for i in indices)
    n_f = sum(labels[i]['forces'].numel() for i in indices)
    total = 0
    for i in indices:
      out = model(lr_mace.collate([graphs[i]]), training=True, compute_stress=labels[i]['stress'] is not None)
      total = total + WEIGHTS['energy'] / len(indices) * (((out['energy'] - labels[i]['energy']) / len(systems[i])) ** 2).sum()
      total = total + WEIGHTS['forces'] / n_f * ((out['forces'] - labels[i]['forces']) ** 2).sum()
      if labels[i]['stress'] is not None:
        total = total + WEIGHTS['stress'] / (9 * n_s) * ((out['stress'][0] - labels[i]['stress']) ** 2).sum()
    return total

  everything = list(range(len(systems)))
  value = loss(everything)
  for p in parameters:
    p.grad = None
  value.backward()
  zero = lambda p: np.zeros(p.shape) if p.grad is None else p.grad.numpy()
  units = blocks(source, model, contractions, lambda p: np.ones(p.shape))
  gradient = blocks(source, model, contractions, zero)
  for block, (parameter, unit) in contractions.items():
    units[block] = np.broadcast_to(unit[None, :, None], parameter.shape).copy()
    if block.endswith('weights1'):
      units[block] = units[block][:, 0]
  with h5py.File(HERE / f'{name}.numbers.h5', 'w') as f:
    for i, atoms in enumerate(systems):
      g = f.create_group(f'frames/{i:02d}')
      for key, array in dict(numbers=atoms.numbers.astype(np.int32), positions=atoms.positions, cell=np.array(atoms.cell),
                             pbc=atoms.pbc.astype(np.uint8), energy=labels[i]['energy'].numpy(),
                             forces=labels[i]['forces'].numpy()).items():
        g.create_dataset(key, data=array)
      if labels[i]['stress'] is not None:
        g.create_dataset('stress', data=labels[i]['stress'].numpy())
    f.create_dataset('loss', data=[value.item()])
    skip = ('species', 'E0', 'bessel_frequencies', 'paths', 'sigmas', 'M', 'Q')
    for block, array in gradient.items():
      if block.split('/')[-1] in skip or block.endswith('rsa/filter') and not (settings.get('rsa') or {}).get('filter'):
        continue
      own = 'contraction' in block or 'conserved' in block or '/rsa/' in block
      unit = units[block]
      f.create_dataset(f'gradient/{block}', data=np.asarray(array) / (1 if own else unit))
      if 'conserved' not in block:
        f.create_dataset(f'units/{block}', data=unit if 'contraction' in block or not own else np.ones_like(array))
    optimiser = torch.optim.Adam(parameters, lr=RATE, amsgrad=True)
    losses = []
    for step in range(STEPS):
      optimiser.zero_grad()
      value = loss([step % len(systems)])
      value.backward()
      optimiser.step()
      losses.append(value.item())
    f.create_dataset('losses', data=losses)
  print(f'{name}: loss {value.item():.4f}, losses {losses[0]:.4f} ... {losses[-1]:.4f}')


def main():
  torch.set_num_threads(1)
  torch.set_default_dtype(torch.float64)
  wanted = sys.argv[1:] or list(MODELS)
  for seed, (name, settings) in enumerate(MODELS.items()):
    if name in wanted:
      numbers(name, dict(seed=500 + seed, **settings))


if __name__ == '__main__':
  main()
