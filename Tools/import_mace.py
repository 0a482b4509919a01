#!/usr/bin/env python3
"""Turns a MACE or LR-MACE model into a Bloch model file.

  python3 Tools/import_mace.py SOURCE OUT.h5 [--head NAME] [--name NAME] [--provenance TEXT] [--errors TEXT]

SOURCE is a mace-torch pickle (`.model`; needs torch and mace-torch), a reference HDF5 file (needs numpy and
h5py only) or a Bloch model of an earlier version. e3nn's normalisations, path weights and activation constants
are folded into plain matrices; the layout of OUT.h5 is in Tools/README.md.
"""
import argparse
import os
import pickle
import sys

import numpy as np

import symmetric_contraction as contraction
from bloch_model import Damaged, read_model, write_model
from mace_sources import (INTERACTIONS, Unsupported, format_of, parse_irreps, read_mace_torch, read_reference,
                          refuse)


# ------------------------------------------------------------------ e3nn's flat weights -> matrices
def rows_by_l(irreps):
  """Row at which each irrep block starts among all blocks of its l, and the number of rows per l."""
  start, total = [], {}
  for mul, l in irreps:
    start.append(total.get(l, 0))
    total[l] = total.get(l, 0) + mul
  return start, total


def linear_matrices(spec, flat):
  """e3nn o3.Linear -> {l: [n_in, n_out]}, path weights folded."""
  irreps_in, irreps_out = parse_irreps(spec['irreps_in']), parse_irreps(spec['irreps_out'])
  (start_in, total_in), (start_out, total_out) = rows_by_l(irreps_in), rows_by_l(irreps_out)
  out, used = {l: np.zeros((total_in[l], total_out[l])) for l in total_out if l in total_in}, 0
  for path in spec['instructions']:
    n, m = path['path_shape']
    i, o, l = start_in[path['i_in']], start_out[path['i_out']], irreps_in[path['i_in']][1]
    out[l][i:i + n, o:o + m] += path['path_weight'] * flat[used:used + n * m].reshape(n, m)
    used += n * m
  assert used == flat.size
  return out


def skip_matrices(layer, flat):
  """FullyConnectedTensorProduct with one-hot species -> {l: [S, n_in, n_out]}. w3j(l,0,l) = 1/sqrt(2l+1)."""
  irreps_in, _, irreps_out = (parse_irreps(x) for x in layer['skip_tp_irreps'])
  refuse(len({l for _, l in irreps_in}) < len(irreps_in) or len({l for _, l in irreps_out}) < len(irreps_out),
         'self-connection with repeated irreps')
  out, used = {}, 0
  for path in layer['skip_tp_instructions']:
    n, s, m = path['path_shape']
    l = irreps_in[path['i_in1']][1]
    w = flat[used:used + n * s * m].reshape(n, s, m).transpose(1, 0, 2)
    out[l] = path['path_weight'] / np.sqrt(2 * l + 1) * w
    used += n * s * m
  assert used == flat.size
  return out


def radial_matrices(source, prefix):
  """e3nn FullyConnectedNet -> matrices for x <- silu(x W) between them, nothing after the last."""
  matrices, i = [], 0
  while f'{prefix}layer{i}.weight' in source.state:
    w = source.state[f'{prefix}layer{i}.weight']
    matrices.append(w / np.sqrt(len(w)) * (source.radial_silu_norm if i > 0 else 1))
    i += 1
  return matrices


def contraction_weights(source, prefix, lmax, L, S, even_first):
  """Weights of the symmetric contraction to one output L in Bloch's independent basis."""
  state = source.state
  correlation = 1 + sum(f'{prefix}weights.{i}' in state for i in range(9))
  refuse(correlation > 3, f'correlation {correlation} (at most 3)')
  out, rounding = {}, {}
  for nu in range(1, correlation + 1):
    w = state[prefix + ('weights_max' if nu == correlation else f'weights.{correlation - 1 - nu}')]
    w = np.broadcast_to(w, (S,) + w.shape[1:])  # species-agnostic products carry one set
    u = state[f'{prefix}U_matrix_{nu}'].reshape((2 * L + 1,) + ((lmax + 1) ** 2,) * nu + (-1,))
    if nu == 1:
      tensors = [contraction.single_tensor(lmax, L)]
    elif nu == 2:
      out['pairs'] = contraction.pair_candidates(lmax, L)
      tensors = [contraction.pair_tensor(lmax, L, p) for p in out['pairs']]
    else:
      out['triples'] = contraction.independent_triples(lmax, L, even_first)
      tensors = [contraction.triple_tensor(lmax, L, t) for t in out['triples']]
    x, rest = contraction.solve(tensors, u)
    error = np.linalg.norm(rest) / max(np.linalg.norm(u), 1e-300)
    # U of a model saved in single precision carries that rounding, which no equivariant coupling can hold.
    is_single = np.array_equal(u, u.astype(np.float32))
    refuse(error > (1e-6 if is_single else 1e-12),
           f'symmetric contraction to L = {L}, order {nu}: outside the coupling basis by {error:.1e}')
    if is_single and error > 1e-12:
      folded = np.einsum('tk,skc->tsc', rest, w)
      rounding.update({m: row for m, row in zip(contraction.monomials((lmax + 1) ** 2, nu, L), folded)
                       if np.abs(row).max() > 1e-13})
    folded = np.einsum('bk,skc->sbc', x, w)
    out[f'weights{nu}'] = folded[:, 0] if nu == 1 else folded
  if rounding:
    out['rounding'] = [m + (-1,) * (4 - len(m)) for m in rounding]
    out['rounding_weights'] = np.stack(list(rounding.values()), axis=1)
  return correlation, out


# ------------------------------------------------------------------ blocks of the model
def fold_layer(source, t, C, lmax):
  """One interaction, product and self-connection -> (attributes, datasets, correlation)."""
  layer, state, P, S = source.layers[t], source.state, f'interactions.{t}.', len(source.config['species'])
  refuse(layer['interaction'] not in INTERACTIONS, f'interaction block {layer["interaction"]}')
  is_residual, has_density = INTERACTIONS[layer['interaction']]
  spec = layer['conv_tp_instructions']
  irreps_in, mid = parse_irreps(layer['conv_tp_irreps_in1']), parse_irreps(layer['irreps_mid'])
  out_irreps = parse_irreps(layer['out_irreps'])
  for mul, l in irreps_in + out_irreps + parse_irreps(layer['target_irreps']):
    refuse(mul != C, f'unequal multiplicities ({mul} channels for l = {l}, {C} for the scalars)')
  for irreps in (irreps_in, out_irreps, parse_irreps(layer['target_irreps'])):
    refuse([l for _, l in irreps] != list(range(len(irreps))), f'hidden irreps that skip an l: {irreps}')
  refuse(max(len(irreps_in), len(out_irreps)) > 3, 'hidden irreps beyond l = 2')
  refuse(parse_irreps(layer.get('linear_up_irreps', layer['conv_tp_irreps_in1'])) != irreps_in,
         'edge_irreps other than the hidden irreps')
  refuse(parse_irreps(layer['target_irreps'])[-1][1] != lmax, 'messages that do not reach l_max')
  refuse(any(p['mode'] != 'uvu' for p in spec) or [p['i_out'] for p in spec] != list(range(len(mid))),
         'tensor product of the messages that is not one uvu path per output')
  paths = [(irreps_in[p['i_in1']][1], p['i_in2'], mid[p['i_out']][1]) for p in spec]

  data = {'paths': np.array(paths)}
  radial = radial_matrices(source, P + 'conv_tp_weights.')
  radial[-1] = radial[-1] * np.repeat([p['path_weight'] for p in spec], C)
  data.update({f'radial/{i}': w for i, w in enumerate(radial)})
  up = linear_matrices(layer['linear_up_instructions'], state[P + 'linear_up.weight'])
  data.update({f'linear_up/{l}': w for l, w in up.items()})
  linear = linear_matrices(layer['linear_instructions'], state[P + 'linear.weight'])
  skip = skip_matrices(layer, state[P + 'skip_tp.weight'])
  for l, w in linear.items():
    w = w[None] if has_density else w[None] / layer['avg_num_neighbors']
    data[f'linear/{l}'] = w if is_residual else w @ skip[l]
  if is_residual and layer['use_sc']:
    data.update({f'skip/{l}': w for l, w in skip.items()})
  if has_density:
    w = state[P + 'density_fn.layer0.weight']
    data['density'] = w[:, 0] / np.sqrt(len(w))

  product = linear_matrices(layer['product_linear_instructions'], state[f'products.{t}.linear.weight'])
  correlations = []
  for i, (_, L) in enumerate(out_irreps):
    prefix = f'products.{t}.symmetric_contractions.contractions.{i}.'
    correlation, weights = contraction_weights(source, prefix, lmax, L, S, even_first=len(out_irreps) == 1)
    data.update({f'contraction/{L}/{k}': np.asarray(v) for k, v in weights.items()})
    data[f'product/{L}'] = product[L]
    correlations.append(correlation)
  return {'input_lmax': len(irreps_in) - 1, 'output_lmax': len(out_irreps) - 1}, data, max(correlations)


def fold_readout(source, j):
  """-> (kind, datasets): e = h0 . weights, or silu(h0 w1) . w2."""
  names = ['linear'] if len(source.readouts[j]) == 1 else ['linear_1', 'linear_2']
  w = [linear_matrices(spec, source.state[f'readouts.{j}.{n}.weight'])[0]
       for n, spec in zip(names, source.readouts[j])]
  head, heads = source.heads
  refuse(w[-1].shape[1] != heads, f'{w[-1].shape[1]} outputs of a readout for {heads} heads')
  if len(w) == 1:
    return 'linear', {'weights': w[0][:, head]}
  # Every head has its own hidden units, side by side.
  units = np.split(np.arange(w[0].shape[1]), heads)[head]
  return 'mlp', {'w1': w[0][:, units], 'w2': source.readout_silu_norm * w[1][units, head]}


def fold_rsa(source, t):
  """Reciprocal-space attention of a layer -> (its attributes, its datasets, what all layers share), or None.
  What is shared: (attributes, sigmas)."""
  c, P = source.config.get('rsa'), f'rsa.{t}.'
  if not c or P + 'W_qkv' not in source.state:
    return None
  refuse(c.get('mix', 'add') != 'add', f'RSA mix {c.get("mix")!r} (only "add")')
  choices = dict(phi=('silu', 'softplus', 'identity'), weight=('coulomb', 'no_volume', 'top6'),
                 norm=('none', 'rms_qk', 'rms'))
  chosen = dict(phi=c['phi'], weight=c['weight'], norm=c.get('norm') or 'none')
  for key, known in choices.items():
    refuse(chosen[key] not in known, f'RSA {key} {chosen[key]!r} (one of {", ".join(known)})')
  q, k, v = np.split(source.state[P + 'W_qkv'], 3, axis=1)
  H, sigmas = c['heads'], np.array(c['filter'] or c['sigma'], float)
  one_hot = np.eye(len(sigmas))[np.arange(H) % len(sigmas)]
  data = dict(W_q=q, W_k=k, W_v=v, W_o=source.state[P + 'W_o'],
              filter=source.state[P + 'filter_c'] if c['filter'] else one_hot)
  if c['gate']:
    data['W_g'] = source.state[P + 'W_g']
  shared = dict(heads=H, width=q.shape[1], weight=chosen['weight'], eps=float(c['eps']),
                subtract_self=int(c['subtract_self']))
  return dict(phi=chosen['phi'], norm=chosen['norm']), data, (shared, sigmas)


def fold_conserved(source, t):
  """Conserved sources of a layer -> (its attributes, its datasets, what all layers share), or None."""
  c, P = source.config.get('conserved'), f'conserved.{t}.'
  if not c or P + 'x' not in source.state:
    return None
  part = {k.removeprefix(P): v for k, v in source.state.items() if k.startswith(P)}
  use = c['use'][str(t)]
  refuse(use not in ('attention', 'difference', 'energy'), f'conserved sources for {use!r}')
  M, Q, x, column = part['M'], part['Q'], part['x'], part['c']
  data = {k: v for k, v in part.items() if k in ('W_a', 'W_b', 'W_r', 'W_q', 'W_o', 'W_p', 'M', 'Q', 'c')}
  data['xbar'] = x + np.linalg.pinv(M) @ (np.outer(Q, column) - M @ x)
  if use == 'energy':
    data['s'] = np.concatenate([[1.0], part['s_free']])
  shared = dict(heads=x.shape[1], width=x.shape[1], weight='coulomb', eps=1e-6, subtract_self=1)
  return dict(use=use), data, (shared, np.array([c['sigma']], float))


def fold(source):
  """The whole model -> ({group: attributes}, {path: array})."""
  c, state = source.config, source.state
  lmax, T, S = c['lmax'], len(source.layers), len(c['species'])
  refuse(not 1 <= T <= 3, f'{T} layers (1 to 3)')
  refuse(lmax > 4, f'l_max {lmax} (at most 4)')
  embedding = linear_matrices(source.embedding, state['node_embedding.linear.weight'])[0]
  C = embedding.shape[1]
  refuse(embedding.shape[0] != S, f'{embedding.shape[0]} species embeddings for {S} species')
  attributes = {'': dict(
    name=source.name, provenance=source.provenance, r_max=float(c['r_max']), lmax=lmax, channels=C,
    num_layers=T, cutoff_p=int(c['cutoff_p']),
    bessel_prefactor=float(state['radial_embedding.bessel_fn.prefactor']),
    scale=float(c['scale']), shift=float(c['shift']), correlation=0)}
  if source.errors:
    attributes['']['errors'] = source.errors
  data = {'species': np.array(c['species']), 'E0': np.array(c['E0s'], float), 'embedding': embedding,
          'bessel_frequencies': state['radial_embedding.bessel_fn.bessel_weights'].reshape(-1)}
  for group in ('transform', 'repulsion'):
    for key, value in c.get(group, {}).items():
      if isinstance(value, list):
        data[f'{group}/{key}'] = np.array(value, float)
      else:
        attributes.setdefault(group, {})[key] = value
  for t in range(T):
    group = f'layers/{t}'
    attributes[group], layer, correlation = fold_layer(source, t, C, lmax)
    attributes['']['correlation'] = max(attributes['']['correlation'], correlation)
    data.update({f'{group}/{k}': v for k, v in layer.items()})
    if (rsa := fold_rsa(source, t)) is not None:
      attributes[f'{group}/rsa'] = rsa[0]
      data.update({f'{group}/rsa/{k}': v for k, v in rsa[1].items()})
      attributes['rsa'], data['rsa/sigmas'] = rsa[2]
    if (conserved := fold_conserved(source, t)) is not None:
      attributes[f'{group}/conserved'] = conserved[0]
      data.update({f'{group}/conserved/{k}': v for k, v in conserved[1].items()})
      attributes['rsa'], data['rsa/sigmas'] = conserved[2]
  for j in range(len(source.readouts)):
    group = f'layers/{T - 1 if len(source.readouts) == 1 else j}/readout'
    kind, readout = fold_readout(source, j)
    attributes[group] = {'kind': kind}
    data.update({f'{group}/{k}': v for k, v in readout.items()})
  for name, array in data.items():
    refuse(not np.isfinite(array).all(), f'{name} holds a value that is not finite')
  return attributes, data


def read(path, name, head=None):
  """Any source that this tool knows -> `Source`, or (attributes, datasets) of a Bloch model."""
  if not path.endswith('.h5'):
    return read_mace_torch(path, name, head)
  refuse(head is not None, f'--head {head} for a file that has no heads')
  return read_model(path) if format_of(path) == 'bloch-model' else read_reference(path, name)


# ------------------------------------------------------------------ command line
def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], epilog='See Tools/README.md.')
  p.add_argument('source', help='mace-torch .model pickle, reference .h5 file or Bloch model of an earlier version')
  p.add_argument('output', help='Bloch model file to write')
  p.add_argument('--name', help='name stored in the model (default: name of SOURCE)')
  p.add_argument('--head', help='which head of a mace-torch model to take (needed where it has several)')
  p.add_argument('--provenance', help='trained on what, by what (default: what SOURCE says)')
  p.add_argument('--errors', help='errors reached on unseen data, as text')
  a = p.parse_args()
  if not os.path.isfile(a.source):
    sys.exit(f'{a.source}: no such file')
  name = a.name or os.path.splitext(os.path.basename(a.source))[0]
  try:
    source = read(a.source, name, a.head)
    attributes, data = source if isinstance(source, tuple) else fold(source)
    for key in ('name', 'provenance', 'errors'):
      if getattr(a, key):
        attributes[''][key] = getattr(a, key)
    write_model(a.output, attributes, data)
  except Unsupported as e:
    sys.exit(f'{a.source}: Bloch does not support: {e}')
  except Damaged as e:
    sys.exit(f'{a.source}: {e}')
  except (OSError, ImportError, KeyError, pickle.UnpicklingError) as e:
    form = 'HDF5' if a.source.endswith('.h5') else 'a mace-torch model'
    sys.exit(f'{a.source}: cannot be read as {form}: {e}')
  r = attributes['']
  print(f'{a.output}: {r["num_layers"]} layers, {r["channels"]} channels, l_max {r["lmax"]}, correlation '
        f'{r["correlation"]}, r_max {r["r_max"]:g} A, species {data["species"].tolist()}, '
        f'{sum(v.size for v in data.values())} numbers')


if __name__ == '__main__':
  main()
