"""Reads a MACE model, from either of the forms it comes in, into one `Source`: its flat weights by their torch names and
the e3nn instructions that say how they are cut. What Bloch does not evaluate is refused here, by name."""
import json
import re
from dataclasses import dataclass, field

import numpy as np


class Unsupported(Exception):
  """The model uses something that Bloch cannot evaluate."""


def refuse(condition, what):
  if condition:
    raise Unsupported(what)


INTERACTIONS = ('RealAgnosticInteractionBlock', 'RealAgnosticResidualInteractionBlock')


@dataclass
class Source:
  name: str
  provenance: str
  errors: str
  config: dict  # r_max, lmax, cutoff_p, scale, shift, E0s, species, rsa
  state: dict  # torch state_dict name -> array; e3nn weights flat
  layers: list  # per layer: interaction, avg_num_neighbors and the instructions of its linear maps and products
  embedding: dict  # instructions of the species embedding
  readouts: list  # per readout: list of linear instructions, one (linear) or two (mlp)
  radial_silu_norm: float
  readout_silu_norm: float = field(default=1.0)


def parse_irreps(text):
  """'16x0e+16x1o' -> [(16, 0), (16, 1)]; refuses parities other than (-1)^l."""
  irreps = []
  for term in str(text).replace(' ', '').split('+'):
    mul, l, parity = re.fullmatch(r'(\d+)x(\d+)([eo])', term).groups()
    refuse((parity == 'e') != (int(l) % 2 == 0), f'irrep {l}{parity}: only the parities 0e, 1o, 2e, 3o, 4e')
    irreps.append((int(mul), int(l)))
  return irreps


# ------------------------------------------------------------------ reference HDF5 (format lr-mace-golden-1)
def read_reference(path, name):
  import h5py
  with h5py.File(path) as f:
    refuse(f.attrs.get('format') != 'lr-mace-golden-1', f'{path}: HDF5 format {f.attrs.get("format")!r}')
    config, constants = json.loads(f.attrs['config']), dict(f['constants'].attrs)
    layers = []
    for t in range(config['num_interactions']):
      layer = dict(f[f'constants/layer{t}'].attrs)
      layer.update({k: json.loads(v) for k, v in layer.items() if k.endswith('_instructions')})
      layer['skip_tp_irreps'] = json.loads(layer['skip_tp_irreps'])
      layer['avg_num_neighbors'] = config['avg_num_neighbors']
      layers.append(layer)
    readouts = []
    for j in range(len({k.split('.')[1] for k in f['state'] if k.startswith('readouts.')})):
      linears = [f'readout{j}_{k}_instructions' for k in ('linear', 'linear_1', 'linear_2')]
      readouts.append([json.loads(constants[k]) for k in linears if k in constants])
    return Source(
      name=name, provenance='; '.join(str(f.attrs[k]) for k in ('provenance', 'note') if f.attrs.get(k)),
      errors=str(f.attrs.get('errors', '')), config=config, state={k: f['state'][k][()] for k in f['state']},
      layers=layers, embedding=json.loads(constants['node_embedding_instructions']), readouts=readouts,
      radial_silu_norm=float(constants['radial_mlp_silu_norm']),
      readout_silu_norm=float(constants.get('readout_silu_norm', 1.0)))


# ------------------------------------------------------------------ mace-torch pickle
def class_name(module):
  """Class of a module, also of one that e3nn has compiled to TorchScript."""
  return getattr(module, 'original_name', type(module).__name__)


def read_mace_torch(path, name):
  raise NotImplementedError
