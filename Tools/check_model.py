#!/usr/bin/env python3
"""Slow, obvious evaluation of a Bloch model file, and its comparison with reference frames.

  python3 Tools/check_model.py MODEL.h5 FRAMES.h5

evaluates every frame under `/frames` of FRAMES.h5 (numbers, positions, cell, pbc) and prints the worst
relative deviation of energy, node_energy and of the layer features h_t, u_t, X_t and phi_t that are stored there; exits 1
beyond --tolerance.
Shapes: N atoms, E edges, C channels, D width of the long-range blocks; units eV and A.
"""
import argparse
import math
import sys

import h5py
import numpy as np

from bloch_model import Damaged, read_model
from symmetric_contraction import block, wigner_3j


COULOMB = 14.399645  # e^2 / (4 pi eps0), eV A, of the models' definition


def silu(x):
  return x / (1 + np.exp(-x))


PHI = dict(silu=silu, softplus=lambda x: np.logaddexp(0, x), identity=lambda x: x)


def read(group):
  """A group as nested dictionaries of arrays, with its attributes."""
  tree = {k: read(v) if isinstance(v, h5py.Group) else v[()] for k, v in group.items()}
  return tree | {k: v for k, v in group.attrs.items()}


def load(path):
  """A model, checked against its hash, as nested dictionaries of arrays and attributes."""
  attributes, data = read_model(path)
  tree = {}

  def node(parts):
    branch = tree
    for part in parts:
      branch = branch.setdefault(part, {})
    return branch
  for path, array in data.items():
    *group, name = path.split('/')
    node(group)[name] = array
  for group, values in attributes.items():
    node(group.split('/') if group else []).update(values)
  return tree


def spherical_harmonics(d, lmax):
  """Real harmonics of the unit vectors along d, e3nn order (polar axis y), component normalisation:
  Y_l is Y_{l-1} coupled with Y_1 and scaled so that its m = 0 component is sqrt(2l+1) at the pole."""
  def couple(y, y1, l):
    return np.einsum('ei,ej,ijk->ek', y, y1, wigner_3j(l - 1, 1, l))
  unit, pole = d / np.linalg.norm(d, axis=1, keepdims=True), np.array([[0.0, 1.0, 0.0]])
  y, p = [np.ones((len(d), 1))], np.ones((1, 1))
  for l in range(1, lmax + 1):
    q = couple(p, pole, l)
    factor = math.sqrt(2 * l + 1) / q[0, l]
    y.append(couple(y[-1], unit, l) * factor)
    p = q * factor
  return np.concatenate(y, axis=1)


def edges(positions, cell, pbc, r_max):
  """Every directed edge within r_max -> sender j, receiver i, vector r_i - r_j - S A."""
  reach = [0, 0, 0]
  if pbc.any():
    inverse = np.linalg.inv(cell)
    spread = np.ptp(positions @ inverse, axis=0)
    reach = (np.ceil(r_max * np.linalg.norm(inverse, axis=0) + spread) * (pbc != 0)).astype(int)
  send, receive, vectors = [], [], []
  for s in np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in reach], indexing='ij'), -1).reshape(-1, 3):
    d = positions[None] - positions[:, None] - s @ cell  # [j, i]
    near = np.linalg.norm(d, axis=-1) < r_max
    if not s.any():
      np.fill_diagonal(near, False)
    j, i = np.nonzero(near)
    send.append(j), receive.append(i), vectors.append(d[j, i])
  return np.concatenate(send), np.concatenate(receive), np.concatenate(vectors)


def kernel(positions, cell, periodic, sigma, rsa):
  """G_sigma(r_m - r_n) [N, N]: sum over the reciprocal lattice; erf(r / (sqrt2 sigma)) / r without a cell."""
  self_term = math.sqrt(2 / math.pi) / sigma
  if periodic:
    k, w = reciprocal_weights(cell, sigma, rsa)
    phase = positions @ k.T
    g = (np.cos(phase) * w) @ np.cos(phase).T + (np.sin(phase) * w) @ np.sin(phase).T
  else:
    r = np.linalg.norm(positions[:, None] - positions, axis=-1) + np.eye(len(positions))
    g = np.vectorize(math.erf)(r / (math.sqrt(2) * sigma)) / r
    np.fill_diagonal(g, self_term)
  return g - rsa['subtract_self'] * self_term * np.eye(len(positions))


def reciprocal_weights(cell, sigma, rsa):
  """k [K, 3] of a half space and w [K], both halves counted. `top6`: the six shortest k (three pairs), w = 1,
  equal lengths ordered by their integer components."""
  if rsa['weight'] == 'top6':
    k_max = 6 * math.pi / np.linalg.norm(cell, axis=1).max() + 1e-6
  else:
    k_max = math.sqrt(2 * math.log(1 / rsa['eps'])) / sigma
  top = np.floor(k_max * np.linalg.norm(cell, axis=1) / (2 * math.pi) + 1e-9).astype(int)
  n = np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in top], indexing='ij'), -1).reshape(-1, 3)
  n = n[[tuple(x) > (0, 0, 0) for x in n]]
  k = 2 * math.pi * n @ np.linalg.inv(cell).T
  k2 = (k**2).sum(1)
  n, k, k2 = (x[k2 <= k_max**2] for x in (n, k, k2))
  if rsa['weight'] == 'top6':
    first = np.lexsort((n[:, 2], n[:, 1], n[:, 0], np.round(k2, 10)))[:3]
    return k[first], np.full(len(first), 2.0)
  w = 2 * np.exp(-(sigma**2) * k2 / 2) / k2
  return k, w * (4 * math.pi / abs(np.linalg.det(cell)) if rsa['weight'] == 'coulomb' else 1)


def attention(h0, rsa, positions, cell, periodic):
  """u [N, D]: u_m = sum_n (q_m . k_n) G(r_m - r_n) v_n per head."""
  hn = normalised(h0)
  x = h0 if rsa['norm'] == 'none' else hn
  heads, phi = rsa['heads'], PHI[rsa['phi']]
  split = lambda a: a.reshape(len(h0), heads, -1)
  q, k = split(phi(x @ rsa['W_q'])), split(phi(x @ rsa['W_k']))
  v = split((hn if rsa['norm'] == 'rms' else h0) @ rsa['W_v'])
  g = np.array([kernel(positions, cell, periodic, s, rsa) for s in rsa['sigmas']])
  return np.einsum('mhd,nhd,hj,jmn,nhe->mhe', q / math.sqrt(q.shape[2]), k, rsa['filter'], g, v,
                   optimize=True).reshape(len(h0), -1)


def normalised(h0):
  return h0 / np.sqrt((h0**2).mean(1, keepdims=True) + 1e-6)


def gathered(values, receive, atoms):
  """Sum of the edges of every receiving atom."""
  out = np.zeros((atoms, values.shape[1]))
  np.add.at(out, receive, values)
  return out


def conserved(h0, block, species, bessel, send, receive, g):
  """X, phi [N, D], and what the layer makes of them: ('dh', increment of the scalars [N, C]) or ('energy', [N])."""
  hn = normalised(h0)
  a, b = silu(hn @ block['W_a']), hn @ block['W_b']
  transfers = (bessel @ block['W_r']) * (a[receive] * b[send] - a[send] * b[receive])
  x = block['xbar'][species] + gathered(transfers, receive, len(h0))
  phi = g @ x
  if block['use'] == 'energy':
    return x, phi, ('energy', COULOMB / 2 * (x * phi) @ block['s'])
  u = phi
  if block['use'] == 'difference':
    u = gathered((bessel @ block['W_p']) * (phi[send] - phi[receive]), receive, len(h0))
  return x, phi, ('dh', (silu(hn @ block['W_q']) * u) @ block['W_o'])


def messages(h, y, radial, layer, send, receive):
  """Inputs A [N, C, (lmax+1)^2] of the product, before the species are known: {l: [N, rows, 2l+1]}."""
  C = h[0].shape[1]
  up = {l: np.einsum('num,uw->nwm', x, layer['linear_up'][str(l)]) for l, x in h.items()}
  out = {}
  for p, (l1, l2, l3) in enumerate(layer['paths']):
    edge = np.einsum('ec,eca,eb,abm->ecm', radial[:, p * C:(p + 1) * C], up[l1][send], y[:, block(l2)],
                     wigner_3j(l1, l2, l3))
    m = np.zeros((len(h[0]),) + edge.shape[1:])
    np.add.at(m, receive, edge)
    out.setdefault(l3, []).append(m)
  return {l: np.concatenate(m, axis=1) for l, m in out.items()}


def contract(a, weights, L, species):
  """Symmetric contraction of A to one output L: [N, C, 2L+1]."""
  def pair(l1, l2, l12):
    return np.einsum('nca,ncb,abm->ncm', a[..., block(l1)], a[..., block(l2)], wigner_3j(l1, l2, l12))
  out = weights['weights1'][species][..., None] * a[..., block(L)]
  for p, (l1, l2) in enumerate(weights.get('pairs', ())):
    out += weights['weights2'][species, p][..., None] * pair(l1, l2, L)
  for p, (l1, l2, l12, l3) in enumerate(weights.get('triples', ())):
    q = np.einsum('ncm,nca,maM->ncM', pair(l1, l2, l12), a[..., block(l3)], wigner_3j(l12, l3, L))
    out += weights['weights3'][species, p][..., None] * q
  for t, (M, *factors) in enumerate(weights.get('rounding', ())):
    out[..., M] += weights['rounding_weights'][species, t] * np.prod([a[..., i] for i in factors if i >= 0], axis=0)
  return out


def envelope(x, p):
  """The polynomial cut-off of order p."""
  f = 1 - (p + 1) * (p + 2) / 2 * x**p + p * (p + 2) * x**(p + 1) - p * (p + 1) / 2 * x**(p + 2)
  return f * (x < 1)


def transformed(r, transform, i, j):
  """What the Bessel functions see in the place of distances [E,1] of atoms of species i and j."""
  r0 = (transform['radii'][i] + transform['radii'][j])[:, None]
  if transform['kind'] == 'agnesi':
    y, q = 2 * r / r0, transform['q']
    return 1 / (1 + transform['a'] * y**q / (1 + y**(q - transform['p'])))
  low, high = 3 / 4 * r0, 4 / 3 * r0
  return low + (r - low) / 2 * (1 + np.tanh(transform['alpha'] / (high - low) * (r - (low + high) / 2)))


def repulsion(r, zbl, i, j, numbers):
  """V [E] of pairs of atoms of species i and j."""
  z, reach = numbers**zbl['exponent'], zbl['radii'][i] + zbl['radii'][j]
  screening = np.exp(-np.outer(r * (z[i] + z[j]) / zbl['length'], zbl['decays'])) @ zbl['amplitudes']
  return zbl['coulomb'] * numbers[i] * numbers[j] / r * screening * envelope(r / reach, int(zbl['cutoff_p']))


def evaluate(model, numbers, positions, cell, pbc):
  """energy, node_energy [N] and, per layer t, h_t [N, sum_l C (2l+1)], A_t [N, C, (lmax+1)^2], u_t, X_t, phi_t [N, D]."""
  species = np.array([list(model['species']).index(z) for z in numbers])
  send, receive, d = edges(positions, cell, pbc, model['r_max'])
  r = np.linalg.norm(d, axis=1)[:, None]
  cutoff = envelope(r / model['r_max'], int(model['cutoff_p']))
  x = transformed(r, model['transform'], species[receive], species[send]) if 'transform' in model else r
  bessel = model['bessel_prefactor'] * np.sin(model['bessel_frequencies'] * x) / x * cutoff
  y = spherical_harmonics(d, model['lmax'])
  h, out, energy = {0: model['embedding'][species][..., None]}, {}, np.zeros(len(numbers))
  coulomb = np.zeros(len(numbers))
  if 'repulsion' in model:
    v = repulsion(r[:, 0], model['repulsion'], species[receive], species[send], model['species'].astype(float))
    energy += gathered(v[:, None] / 2, receive, len(numbers))[:, 0]
  for t in range(model['num_layers']):
    layer, h_in = model['layers'][str(t)], h
    radial = bessel
    for i in range(len(layer['radial'])):
      radial = (silu(radial) if i else radial) @ layer['radial'][str(i)]
    m = messages(h_in, y, radial, layer, send, receive)
    a = []
    for l in sorted(m):
      w = layer['linear'][str(l)]
      a.append(np.einsum('num,nuw->nwm', m[l], w[species % len(w)]))
    a = np.concatenate(a, axis=2)
    if 'density' in layer:
      rho = gathered(np.tanh((bessel @ layer['density'][:, None])**2), receive, len(numbers))
      a = a / (1 + rho)[..., None]
    h = {}
    for L in range(layer['output_lmax'] + 1):
      b = contract(a, layer['contraction'][str(L)], L, species)
      h[L] = np.einsum('num,uw->nwm', b, layer['product'][str(L)])
      if str(L) in layer.get('skip', {}):
        h[L] += np.einsum('num,nuw->nwm', h_in[L], layer['skip'][str(L)][species])
    if 'rsa' in layer:
      rsa = model['rsa'] | layer['rsa']
      u = attention(h_in[0][..., 0], rsa, positions, cell, pbc.any())
      if 'W_g' in rsa:
        h = {l: v * (1 + u @ rsa['W_g'])[..., None] for l, v in h.items()}
      h[0] = h[0] + (u @ rsa['W_o'])[..., None]
      out[f'u_{t}'] = u
    if 'conserved' in layer:
      rsa = model['rsa']
      g = kernel(positions, cell, pbc.any(), rsa['sigmas'][0], rsa)
      out[f'X_{t}'], out[f'phi_{t}'], (kind, value) = conserved(
        h_in[0][..., 0], layer['conserved'], species, bessel, send, receive, g)
      if kind == 'energy':
        coulomb += value
      else:
        h[0] = h[0] + value[..., None]
    out[f'A_{t}'] = a
    out[f'h_{t}'] = np.concatenate([v.reshape(len(v), -1) for v in h.values()], axis=1)
    if 'readout' in layer:
      ro, h0 = layer['readout'], h[0][..., 0]
      energy += h0 @ ro['weights'] if ro['kind'] == 'linear' else silu(h0 @ ro['w1']) @ ro['w2']
  out['node_energy'] = model['scale'] * energy + model['shift'] + model['E0'][species] + coulomb
  out['energy'] = out['node_energy'].sum()
  return out


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  parser.add_argument('model')
  parser.add_argument('frames')
  parser.add_argument('--tolerance', type=float, default=1e-11, help='relative (default 1e-11)')
  arguments = parser.parse_args()
  try:
    model = load(arguments.model)
  except Damaged as e:
    sys.exit(f'{arguments.model}: {e}')
  with h5py.File(arguments.frames) as f:
    frames, worst = read(f['frames']), {}
  for frame in frames.values():
    out = evaluate(model, *(frame[k] for k in ('numbers', 'positions', 'cell', 'pbc')))
    for key in out.keys() & frame.keys():
      error = np.abs(out[key] - frame[key]).max() / max(1e-3, np.abs(frame[key]).max())
      worst[key] = max(worst.get(key, 0.0), float(error))
  print(arguments.frames, ' '.join(f'{k} {v:.1e}' for k, v in sorted(worst.items())))
  sys.exit(max(worst.values()) > arguments.tolerance)


if __name__ == '__main__':
  main()
