"""python3 -m unittest discover Tools; the parts that need torch and mace-torch skip without them."""
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np

import import_mace
import symmetric_contraction as contraction
from check_model import evaluate, read
from mace_sources import Unsupported, parse_irreps, source_from_mace

try:
  import mace  # noqa: F401  before e3nn
  import torch
  from e3nn import o3
  from mace import modules
except ImportError:
  torch = None

GOLDEN = Path(__file__).resolve().parent.parent / 'Tests' / 'Golden'
WATER = dict(numbers=np.array([8, 1, 1]),
             positions=np.array([[0, 0, 0], [0.76, 0.6, 0.1], [-0.8, 0.5, -0.2]]),
             cell=np.zeros((3, 3)), pbc=np.zeros(3))


class Couplings(unittest.TestCase):
  def test_wigner_3j_are_isometries(self):
    for l1, l2, l3 in [(0, 2, 2), (1, 1, 2), (2, 3, 1), (3, 3, 4), (4, 4, 8)]:
      w = contraction.wigner_3j(l1, l2, l3)
      gram = np.einsum('abm,abn->mn', w, w)
      np.testing.assert_allclose(gram, np.eye(2 * l3 + 1) / (2 * l3 + 1), atol=1e-14)

  def test_cubic_invariants_of_lmax_3_have_rank_8(self):
    self.assertEqual(contraction.independent_triples(3, 0, even_first=True), [
      (0, 0, 0, 0), (1, 1, 0, 0), (2, 2, 0, 0), (3, 3, 0, 0),
      (1, 1, 2, 2), (2, 2, 2, 2), (3, 3, 2, 2), (1, 3, 2, 2)])
    self.assertEqual(len(contraction.independent_triples(3, 0, even_first=False)), 8)

  def test_tensor_outside_the_span_is_noticed(self):
    u = np.zeros((1, 4, 4, 1))
    u[0, 1, 1, 0] = 1  # x^2 alone is no invariant
    pairs = [contraction.pair_tensor(1, 0, p) for p in contraction.pair_candidates(1, 0)]
    _, rest = contraction.solve(pairs, u)
    self.assertGreater(np.linalg.norm(rest), 0.1 * np.linalg.norm(u))


class GoldenFiles(unittest.TestCase):
  def test_models_reproduce_their_frames(self):
    for path in sorted(GOLDEN.glob('*.model.h5')):
      frames = GOLDEN / path.name.replace('model', 'frames')
      with self.subTest(path.stem), h5py.File(path) as m, h5py.File(frames) as f:
        frame = read(f['frames'][min(f['frames'])])
        out = evaluate(read(m), *(frame[k] for k in ('numbers', 'positions', 'cell', 'pbc')))
        for key in out.keys() & frame.keys():
          np.testing.assert_allclose(out[key], frame[key], rtol=1e-11, atol=1e-13, err_msg=key)

  def test_digest_covers_every_dataset(self):
    with h5py.File(min(GOLDEN.glob('*.model.h5'))) as f:
      data = {}
      f.visititems(lambda name, item: data.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
      self.assertEqual(import_mace.digest(data), f.attrs['sha256'])
      data['E0'] = data['E0'] + 1e-12
      self.assertNotEqual(import_mace.digest(data), f.attrs['sha256'])


class Refusals(unittest.TestCase):
  def test_pseudovectors_are_refused(self):
    with self.assertRaisesRegex(Unsupported, '1e'):
      parse_irreps('16x0e+16x1e')

  def test_attention_mixed_by_a_tensor_product_is_refused(self):
    source = SimpleNamespace(config=dict(rsa=dict(mix='tp')), state={'rsa.0.W_qkv': np.zeros((2, 6))})
    with self.assertRaisesRegex(Unsupported, "mix 'tp'"):
      import_mace.fold_rsa(source, 0)


def build(kind='ScaleShiftMACE', first='RealAgnosticInteractionBlock',
          later='RealAgnosticResidualInteractionBlock', hidden='4x0e+4x1o', **options):
  torch.manual_seed(0)
  torch.set_default_dtype(torch.float64)
  arguments = dict(
    r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=2,
    interaction_cls_first=getattr(modules.blocks, first), interaction_cls=getattr(modules.blocks, later),
    hidden_irreps=o3.Irreps(hidden), MLP_irreps=o3.Irreps('4x0e'), atomic_energies=np.array([-1.0, -2.0]),
    avg_num_neighbors=3.0, atomic_numbers=[1, 8], correlation=2, gate=torch.nn.functional.silu,
    radial_MLP=[8])
  if kind == 'ScaleShiftMACE':
    arguments.update(atomic_inter_scale=2.0, atomic_inter_shift=0.5)
  return getattr(modules, kind)(**(arguments | options))


def energy_of_mace(model):
  positions = torch.tensor(WATER['positions'])
  pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
  graph = dict(
    positions=positions, node_attrs=torch.eye(2)[[1, 0, 0]], edge_index=torch.tensor(pairs).T,
    cell=torch.eye(3), shifts=torch.zeros(6, 3), unit_shifts=torch.zeros(6, 3),
    batch=torch.zeros(3, dtype=torch.long), ptr=torch.tensor([0, 3]), head=torch.zeros(1, dtype=torch.long))
  return float(model(graph, compute_force=False)['energy'])


@unittest.skipIf(torch is None, 'needs torch and mace-torch')
class FromTorch(unittest.TestCase):
  def test_imported_energies_equal_those_of_mace(self):
    plain, residual = 'RealAgnosticInteractionBlock', 'RealAgnosticResidualInteractionBlock'
    for options in (dict(kind='MACE'), dict(), dict(first=residual, later=plain),
                    dict(first=residual, correlation=3), dict(hidden='4x0e+4x1o+4x2e', num_interactions=3),
                    dict(num_interactions=1, correlation=1), dict(use_last_readout_only=True),
                    dict(use_agnostic_product=True)):
      with self.subTest(str(options)), tempfile.TemporaryDirectory() as folder:
        model = build(**options)
        import_mace.write_model(f'{folder}/m.h5', *import_mace.fold(source_from_mace(model, 'm', '')))
        with h5py.File(f'{folder}/m.h5') as f:
          self.assertAlmostEqual(evaluate(read(f), **WATER)['energy'], energy_of_mace(model), delta=1e-12)

  def test_what_bloch_does_not_evaluate_is_refused_by_name(self):
    for word, options in (
        ('RealAgnosticDensityInteractionBlock', dict(first='RealAgnosticDensityInteractionBlock')),
        ('DensityResidual', dict(later='RealAgnosticDensityResidualInteractionBlock')),
        ('AgnesiTransform', dict(distance_transform='Agnesi')), ('ZBL', dict(pair_repulsion=True)),
        ('heads', dict(heads=['a', 'b'], atomic_energies=np.zeros((2, 2)), atomic_inter_scale=[1.0, 1.0],
                       atomic_inter_shift=[0.0, 0.0])),
        ('ChebychevBasis', dict(radial_type='chebyshev')), ('apply_cutoff', dict(apply_cutoff=False)),
        ('SiLU', dict(gate=torch.tanh)), ('1e', dict(hidden='4x0e+4x1e', use_so3=True)),
        ('multiplicities', dict(hidden='8x0e+4x1o')), ('4 layers', dict(num_interactions=4)),
        ('l_max 5', dict(max_ell=5, correlation=1)), ('l = 2', dict(hidden='4x0e+4x1o+4x2e+4x3o', max_ell=3)),
        ('NonLinearBiasReadoutBlock', dict(readout_cls=modules.blocks.NonLinearBiasReadoutBlock))):
      with self.subTest(word):
        model = build(**options)
        with self.assertRaisesRegex(Unsupported, word):
          import_mace.fold(source_from_mace(model, 'm', ''))


if __name__ == '__main__':
  unittest.main()
