"""Reads a MACE model, from either form it comes in, into one `Source`: flat weights by torch name and the
e3nn instructions that say how they are cut. What Bloch cannot evaluate is refused by name."""
import json
import os
import re
import sys
from dataclasses import dataclass, field

import numpy as np


class Unsupported(Exception):
  """The model uses something that Bloch cannot evaluate."""


def refuse(condition, what):
  if condition:
    raise Unsupported(what)


# Whether a block has a self-connection beside its messages, and whether these are divided by a learned density.
INTERACTIONS = {
  'RealAgnosticInteractionBlock': (False, False), 'RealAgnosticResidualInteractionBlock': (True, False),
  'RealAgnosticDensityInteractionBlock': (False, True), 'RealAgnosticDensityResidualInteractionBlock': (True, True)}

# MACE's ZBLBasis: Bohr's radius as it rounds it (A), e^2 / (4 pi eps0) (eV A), decays of the screening function.
ZBL_BOHR, ZBL_COULOMB, ZBL_DECAYS = 0.529, 14.3996, [3.2, 0.9423, 0.4028, 0.2016]


@dataclass
class Source:
  name: str
  provenance: str
  errors: str
  config: dict  # r_max, lmax, cutoff_p, scale, shift, E0s, species, rsa, conserved, transform, repulsion
  state: dict  # torch state_dict name -> array; e3nn weights flat
  layers: list  # per layer: interaction, avg_num_neighbors, instructions of its linear maps and products
  embedding: dict  # instructions of the species embedding
  readouts: list  # per readout: list of linear instructions, one (linear) or two (mlp)
  radial_silu_norm: float
  readout_silu_norm: float = field(default=1.0)
  heads: tuple = (0, 1)  # which of how many the readouts hold


def parse_irreps(text):
  """'16x0e+16x1o' -> [(16, 0), (16, 1)]; refuses parities other than (-1)^l."""
  irreps = []
  for term in str(text).replace(' ', '').split('+'):
    mul, l, parity = re.fullmatch(r'(\d+)x(\d+)([eo])', term).groups()
    refuse((parity == 'e') != (int(l) % 2 == 0), f'irrep {l}{parity}: only the parities 0e, 1o, 2e, 3o, 4e')
    irreps.append((int(mul), int(l)))
  return irreps


# ------------------------------------------------------------------ reference HDF5 (format lr-mace-golden-1)
def format_of(path):
  import h5py
  with h5py.File(path) as f:
    return f.attrs.get('format')


def read_reference(path, name):
  import h5py
  with h5py.File(path) as f:
    refuse(f.attrs.get('format') != 'lr-mace-golden-1', f'HDF5 of format {f.attrs.get("format")!r}')
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
def linear_spec(linear):
  refuse(type(linear).__name__ != 'Linear' or not hasattr(linear, 'instructions'),
         f'linear layer of class {type(linear).__module__}.{type(linear).__name__} '
         '(a model in memory in cuEquivariance form: mace.cli.convert_cueq_e3nn.run makes the one of e3nn)')
  refuse(getattr(linear, 'bias_numel', 0) > 0, 'linear layer with biases')
  return dict(irreps_in=str(linear.irreps_in), irreps_out=str(linear.irreps_out), instructions=[
    dict(i_in=p.i_in, i_out=p.i_out, path_shape=list(p.path_shape), path_weight=float(p.path_weight))
    for p in linear.instructions])


def product_spec(product):
  refuse(not hasattr(product, 'instructions'), f'tensor product of class {type(product).__name__}')
  return [dict(i_in1=p.i_in1, i_in2=p.i_in2, i_out=p.i_out, mode=p.connection_mode,
               path_weight=float(p.path_weight), path_shape=list(p.path_shape)) for p in product.instructions]


def silu_norm(activation, where):
  """Constant by which e3nn multiplies SiLU so that its second moment is 1."""
  import torch
  refuse(getattr(activation, 'f', None) is not torch.nn.functional.silu,
         f'{where} with an activation other than SiLU')
  return float(activation.cst)


def layer_spec(interaction, product):
  name = type(interaction).__name__
  refuse(name not in INTERACTIONS, f'interaction block {name}')
  refuse(INTERACTIONS[name][1] and (type(interaction.density_fn).__name__ != 'FullyConnectedNet'
                                    or len(interaction.density_fn) != 1), 'density of more than one layer')
  refuse(type(interaction.conv_tp_weights).__name__ != 'FullyConnectedNet',
         f'radial network {type(interaction.conv_tp_weights).__name__}')
  refuse(type(product.symmetric_contractions).__name__ != 'SymmetricContraction'
         or not hasattr(product.symmetric_contractions, 'contractions'),
         f'symmetric contraction {type(product.symmetric_contractions).__name__}')
  skip = interaction.skip_tp
  return dict(
    interaction=name, use_sc=int(product.use_sc), avg_num_neighbors=float(interaction.avg_num_neighbors),
    conv_tp_irreps_in1=str(interaction.conv_tp.irreps_in1), irreps_mid=str(interaction.conv_tp.irreps_out),
    target_irreps=str(interaction.target_irreps), out_irreps=str(product.linear.irreps_out),
    conv_tp_instructions=product_spec(interaction.conv_tp), skip_tp_instructions=product_spec(skip),
    skip_tp_irreps=[str(skip.irreps_in1), str(skip.irreps_in2), str(skip.irreps_out)],
    linear_up_irreps=str(interaction.linear_up.irreps_in),
    linear_up_instructions=linear_spec(interaction.linear_up),
    linear_instructions=linear_spec(interaction.linear),
    product_linear_instructions=linear_spec(product.linear))


def readout_spec(readout, heads):
  """Linear instructions and SiLU constant of a readout."""
  name = type(readout).__name__
  if name == 'LinearReadoutBlock':
    return [linear_spec(readout.linear)], 1.0
  refuse(name != 'NonLinearReadoutBlock', f'readout {name}')
  refuse(getattr(readout, 'num_heads', 1) != heads, 'readout that mixes the hidden units of several heads')
  (activation,) = readout.non_linearity.acts
  return [linear_spec(readout.linear_1), linear_spec(readout.linear_2)], silu_norm(activation, 'readout')


def chosen_head(model, wanted):
  """Index of the head that is wanted, and the names of all."""
  heads = [str(head) for head in getattr(model, 'heads', None) or ['Default']]
  if wanted is None:
    refuse(len(heads) > 1, f'several heads at once ({", ".join(heads)}): choose one with --head NAME')
    return 0, heads
  refuse(wanted not in heads, f'head {wanted!r}, which the model does not have; it has {", ".join(heads)}')
  return heads.index(wanted), heads


def transform_spec(transform, species):
  """Form, constants and radii of a distance transform."""
  kind = type(transform).__name__
  refuse(kind not in ('AgnesiTransform', 'SoftTransform'), f'distance transform {kind}')
  names = ('a', 'p', 'q') if kind == 'AgnesiTransform' else ('alpha',)
  constants = {k: float(getattr(transform, k)) for k in names}
  return dict(kind=kind.removesuffix('Transform').lower(), radii=radii(transform, species), **constants)


def repulsion_spec(zbl, species):
  """Constants and radii of a pair repulsion."""
  refuse(type(zbl).__name__ != 'ZBLBasis', f'pair repulsion {type(zbl).__name__}')
  return dict(
    coulomb=ZBL_COULOMB, length=float(zbl.a_prefactor) * ZBL_BOHR, exponent=float(zbl.a_exp), cutoff_p=int(zbl.p),
    amplitudes=zbl.c.double().tolist(), decays=ZBL_DECAYS, radii=radii(zbl, species))


def radii(module, species):
  return [float(module.covalent_radii[z]) for z in species]


def source_from_mace(model, name, provenance, head=None):
  """A mace-torch module -> Source of one of its heads."""
  kind = type(model).__name__
  refuse(kind == 'RecursiveScriptModule', 'TorchScript (a compiled model): use the plain .model file')
  refuse(kind not in ('MACE', 'ScaleShiftMACE'), f'model class {kind}')
  head, heads = chosen_head(model, head)
  refuse(hasattr(model, 'joint_embedding'), 'embeddings of charge, spin or other inputs')
  radial = model.radial_embedding
  refuse(type(radial.bessel_fn).__name__ != 'BesselBasis', f'radial basis {type(radial.bessel_fn).__name__}')
  refuse(type(radial.cutoff_fn).__name__ != 'PolynomialCutoff', f'cut-off {type(radial.cutoff_fn).__name__}')
  refuse(not getattr(radial, 'apply_cutoff', True), 'cut-off applied to the messages (apply_cutoff=False)')
  harmonics = model.spherical_harmonics
  refuse(harmonics.normalization != 'component' or not harmonics.normalize,
         'spherical harmonics other than component-normalised')
  lmax = parse_irreps(harmonics.irreps_out)[-1][1]

  layers = [layer_spec(i, p) for i, p in zip(model.interactions, model.products)]
  radial_norms = {silu_norm(i.conv_tp_weights[j].act, 'radial network') for i in model.interactions
                  for j in range(len(i.conv_tp_weights) - 1)}
  refuse(len(radial_norms) > 1, 'radial networks that differ in their activation')
  readouts, readout_norms = zip(*(readout_spec(r, len(heads)) for r in model.readouts))
  species = [int(z) for z in model.atomic_numbers]

  def of_head(value, dimensions):
    """The row of the head; what has none is the same for all heads, of which there is one then."""
    value = value.double().numpy()
    rows = value if value.ndim > dimensions else value[None]
    refuse(len(rows) != len(heads), f'{len(rows)} sets of energies or scales for {len(heads)} heads')
    return rows[head]

  scale_shift = getattr(model, 'scale_shift', None)
  config = dict(
    species=species, r_max=float(model.r_max), lmax=lmax, cutoff_p=int(radial.cutoff_fn.p),
    E0s=of_head(model.atomic_energies_fn.atomic_energies, 1).tolist(),
    scale=float(of_head(scale_shift.scale, 0)) if scale_shift else 1.0,
    shift=float(of_head(scale_shift.shift, 0)) if scale_shift else 0.0)
  refuse(len(config['E0s']) != len(species), f'{len(config["E0s"])} atomic energies for {len(species)} species')
  if hasattr(radial, 'distance_transform'):
    config['transform'] = transform_spec(radial.distance_transform, species)
  if hasattr(model, 'pair_repulsion_fn'):
    config['repulsion'] = repulsion_spec(model.pair_repulsion_fn, species)
  state = {k: v.detach().cpu().double().numpy() for k, v in model.state_dict().items()}
  return Source(name=name, provenance=provenance, errors='', config=config, state=state, layers=layers,
                embedding=linear_spec(model.node_embedding.linear), readouts=list(readouts),
                radial_silu_norm=radial_norms.pop() if radial_norms else 1.0,
                readout_silu_norm=readout_norms[-1], heads=(head, len(heads)))


# The classes of a model that Bloch can evaluate. Their code is mace-torch's own; a file adds none to it.
CLASSES = {
  'e3nn.math._normalize_activation': ['normalize2mom'], 'e3nn.nn._activation': ['Activation'],
  'e3nn.nn._fc': ['FullyConnectedNet', '_Layer'], 'e3nn.o3._irreps': ['Irrep', 'Irreps', '_MulIr'],
  'e3nn.o3._linear': ['Instruction', 'Linear'], 'e3nn.o3._spherical_harmonics': ['SphericalHarmonics'],
  'e3nn.o3._tensor_product._instruction': ['Instruction'],
  'e3nn.o3._tensor_product._sub': ['FullyConnectedTensorProduct'],
  'e3nn.o3._tensor_product._tensor_product': ['TensorProduct'],
  'mace.modules.blocks': [
    'AtomicEnergiesBlock', 'EquivariantProductBasisBlock', 'LinearNodeEmbeddingBlock', 'LinearReadoutBlock',
    'NonLinearReadoutBlock', 'RadialEmbeddingBlock', 'ScaleShiftBlock', *INTERACTIONS],
  'mace.modules.irreps_tools': ['reshape_irreps'], 'mace.modules.models': ['MACE', 'ScaleShiftMACE'],
  'mace.modules.radial': ['AgnesiTransform', 'BesselBasis', 'PolynomialCutoff', 'SoftTransform', 'ZBLBasis'],
  'mace.modules.symmetric_contraction': ['Contraction', 'SymmetricContraction'],
  'torch.nn.functional': ['silu'], 'torch.nn.modules.container': ['ModuleList', 'ParameterList']}
# Compiled graphs come with Python source that loading would run. Bloch needs their weights alone.
GRAPHS = ('torch.fx.graph_module.reduce_graph_module', 'torch.fx.graph_module.reduce_package_graph_module',
          'torch.fx._symbolic_trace.Tracer')


# What a model in cuEquivariance form holds beside the classes of cuEquivariance themselves.
CUEQ = {
  'mace.modules.wrapper_ops': ['CuEquivarianceConfig'], 'mace.tools.cg': ['O3_e3nn'], 'numpy': ['dtype', 'ndarray'],
  'numpy._core.multiarray': ['_reconstruct'], 'numpy.core.multiarray': ['_reconstruct'],
  'torch.nn.modules.linear': ['Identity']}


def is_cueq(name):
  return name.startswith(('cuequivariance.', 'cuequivariance_torch.'))


def named(name):
  """The object of an installed package with a dotted name; of cuEquivariance classes alone."""
  import importlib
  module, name = name.rsplit('.', 1)
  found = getattr(importlib.import_module(module), name)
  refuse(is_cueq(module + '.') and not isinstance(found, type), f'{module}.{name} in a .model file')
  return found


def load_weights(path):
  """The module in a pickle, without running anything that the pickle holds."""
  import zipfile
  import torch
  refuse(not zipfile.is_zipfile(path), 'anything but an archive as torch.save writes since torch 1.6')
  serialization = torch.serialization
  refuse(not hasattr(serialization, 'get_unsafe_globals_in_checkpoint'), f'torch {torch.__version__} (2.6 or later)')
  held = serialization.get_unsafe_globals_in_checkpoint(path)
  known = [f'{module}.{name}' for module, names in CLASSES.items() for name in names]
  if any(map(is_cueq, held)):
    try:
      import cuequivariance_torch  # noqa: F401
    except ImportError as e:
      raise ImportError('a model in cuEquivariance form needs cuequivariance and cuequivariance-torch (pip install '
                        f'them, a processor is enough), or mace_cueq_to_e3nn where it was made: {e}') from e
    known += [name for name in held if is_cueq(name)]
    known += [f'{module}.{name}' for module, names in CUEQ.items() for name in names if f'{module}.{name}' in held]
  unknown = [name for name in held if name not in known and name not in GRAPHS]
  refuse(unknown, f'{", ".join(sorted(unknown))} in a .model file')

  def without_graph(*_):
    return torch.nn.Module()
  allowed = [(named(name), name) for name in known] + [(without_graph, name) for name in GRAPHS]
  allowed += [type(np.dtype(code)) for code in 'fdil?']  # of arrays, which cuEquivariance's classes hold
  with serialization.safe_globals(allowed):
    return without_cueq(torch.load(path, map_location='cpu', weights_only=True))


def without_cueq(model):
  """The model as e3nn has it, by mace-torch's own conversion."""
  if not any(is_cueq(f'{type(module).__module__}.') for module in model.modules()):
    return model
  from mace.cli import convert_cueq_e3nn
  refuse(type(model).__name__ != 'ScaleShiftMACE', f'{type(model).__name__} in cuEquivariance form')
  return convert_cueq_e3nn.run(model, device='cpu')


def read_mace_torch(path, name, head=None):
  import warnings
  warnings.filterwarnings('ignore')  # mace-torch and e3nn warn about their own use of torch.load
  try:
    import mace  # noqa: F401  before e3nn: it lets torch unpickle modules
    import torch  # noqa: F401
  except ImportError as e:
    raise ImportError(f'a .model file needs torch and mace-torch (pip install torch mace-torch): {e}') from e
  print(f'{path}: a pickle can run code; weights and the known classes of mace-torch are loaded, nothing else',
        file=sys.stderr)
  model = load_weights(path)
  chosen = '' if head is None else f', head {head}'
  provenance = f'imported from {os.path.basename(path)} ({type(model).__name__}, mace-torch{chosen})'
  return source_from_mace(model, name, provenance, head)
