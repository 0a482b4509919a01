"""python3 -m unittest discover Tools; the parts that need torch and mace-torch skip without them."""
import io
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np

import import_mace
import symmetric_contraction as contraction
from bloch_model import Damaged, digest, read_model, write_model
from check_model import evaluate, load, read
from mace_sources import Unsupported, parse_irreps, read_mace_torch, source_from_mace

try:
  import mace  # noqa: F401  before e3nn
  import torch
  from e3nn import o3
  from mace import modules
except ImportError:
  torch = None
try:
  import cuequivariance_torch
except ImportError:
  cuequivariance_torch = None

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
      with self.subTest(path.stem), h5py.File(frames) as f:
        frame = read(f['frames'][min(f['frames'])])
        out = evaluate(load(path), *(frame[k] for k in ('numbers', 'positions', 'cell', 'pbc')))
        for key in out.keys() & frame.keys():
          np.testing.assert_allclose(out[key], frame[key], rtol=1e-11, atol=1e-13, err_msg=key)

  def test_hash_covers_every_dataset_and_attribute(self):
    attributes, data = read_model(min(GOLDEN.glob('*.model.h5')))
    whole = digest(attributes, data)
    for path in data:
      array = data[path].copy()
      array.flat[-1] += 1
      self.assertNotEqual(digest(attributes, data | {path: array}), whole, path)
    for group, values in attributes.items():
      for key, value in values.items():
        other = value + 'x' if isinstance(value, str) else value + 1
        self.assertNotEqual(digest(attributes | {group: values | {key: other}}, data), whole, f'{group}@{key}')

  def test_version_1_becomes_version_2_with_every_number_kept(self):
    old = GOLDEN / 'x_d_top6_rms_reduced_cg.version-1.h5'
    with tempfile.TemporaryDirectory() as folder:
      new = f'{folder}/new.h5'
      subprocess.run([sys.executable, import_mace.__file__, old, new], check=True, stdout=subprocess.DEVNULL)
      with h5py.File(old) as f, h5py.File(new) as g:
        self.assertEqual(g.attrs['version'], 2)
        self.assertEqual(list(g['rsa/sigmas']), list(f['layers/1/rsa/sigmas']))
        def compare(name, node):
          if isinstance(node, h5py.Dataset) and not name.endswith('sigmas'):
            self.assertEqual(node[()].tobytes(), g[name][()].tobytes(), name)
        f.visititems(compare)
      sound = GOLDEN / 'x_d_top6_rms_reduced_cg.model.h5'
      self.assertEqual(digest(*read_model(new)), digest(*read_model(sound)))

  def test_edited_attributes_and_layers_that_differ_are_noticed(self):
    attributes, data = read_model(GOLDEN / 'x_d_top6_rms_reduced_cg.model.h5')
    with tempfile.TemporaryDirectory() as folder:
      path = f'{folder}/m.h5'
      write_model(path, attributes, data)
      with h5py.File(path, 'r+') as f:
        f.attrs.modify('cutoff_p', 3)
      with self.assertRaisesRegex(Damaged, 'checksum'):
        read_model(path)
      old = (GOLDEN / 'x_d_top6_rms_reduced_cg.version-1.h5').read_bytes()
      Path(path).write_bytes(old)
      with h5py.File(path, 'r+') as f:
        f['layers/1/rsa'].attrs.modify('eps', 1e-3)
      with self.assertRaisesRegex(Damaged, 'layers/1/rsa has other settings'):
        read_model(path)


class Output(unittest.TestCase):
  def test_file_appears_complete_with_the_permissions_of_the_umask(self):
    model = read_model(min(GOLDEN.glob('*.model.h5')))
    with tempfile.TemporaryDirectory() as folder:
      before = os.umask(0o027)
      try:
        write_model(f'{folder}/m.h5', *model)
      finally:
        os.umask(before)
      self.assertEqual(os.stat(f'{folder}/m.h5').st_mode & 0o777, 0o640)
      self.assertEqual(os.listdir(folder), ['m.h5'])

  def test_no_link_is_followed_and_no_file_beside_it_touched(self):
    model = read_model(min(GOLDEN.glob('*.model.h5')))
    with tempfile.TemporaryDirectory() as folder:
      other = Path(folder) / 'other'
      other.write_text('precious')
      os.symlink(other, f'{folder}/m.h5.{os.getpid()}.partial')
      with self.assertRaises(FileExistsError):
        write_model(f'{folder}/m.h5', *model)
      os.unlink(f'{folder}/m.h5.{os.getpid()}.partial')
      os.symlink(other, f'{folder}/m.h5')
      write_model(f'{folder}/m.h5', *model)
      self.assertEqual(other.read_text(), 'precious')


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


def energy_of_mace(model, head=0):
  positions = torch.tensor(WATER['positions'])
  pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
  graph = dict(
    positions=positions, node_attrs=torch.eye(2)[[1, 0, 0]], edge_index=torch.tensor(pairs).T,
    cell=torch.eye(3), shifts=torch.zeros(6, 3), unit_shifts=torch.zeros(6, 3),
    batch=torch.zeros(3, dtype=torch.long), ptr=torch.tensor([0, 3]), head=torch.tensor([head]))
  return float(model(graph, compute_force=False)['energy'])


@unittest.skipIf(torch is None, 'needs torch and mace-torch')
class FromTorch(unittest.TestCase):
  def test_imported_energies_equal_those_of_mace(self):
    plain, residual = 'RealAgnosticInteractionBlock', 'RealAgnosticResidualInteractionBlock'
    dense, dense_residual = 'RealAgnosticDensityInteractionBlock', 'RealAgnosticDensityResidualInteractionBlock'
    for options in (dict(kind='MACE'), dict(), dict(first=residual, later=plain),
                    dict(first=residual, correlation=3), dict(hidden='4x0e+4x1o+4x2e', num_interactions=3),
                    dict(num_interactions=1, correlation=1), dict(use_last_readout_only=True),
                    dict(use_agnostic_product=True), dict(first=dense, later=dense_residual),
                    dict(first=dense_residual, later=dense), dict(distance_transform='Agnesi'),
                    dict(distance_transform='Soft'), dict(pair_repulsion=True), dict(kind='MACE', pair_repulsion=True),
                    dict(first=dense, later=dense_residual, distance_transform='Agnesi', pair_repulsion=True)):
      with self.subTest(str(options)), tempfile.TemporaryDirectory() as folder:
        model = build(**options)
        write_model(f'{folder}/m.h5', *import_mace.fold(source_from_mace(model, 'm', '')))
        energy = evaluate(load(f'{folder}/m.h5'), **WATER)['energy']
        self.assertAlmostEqual(energy, energy_of_mace(model), delta=1e-12)
        # The same from the file that mace-torch saves, of which nothing is run.
        torch.save(model, f'{folder}/m.model')
        with redirect_stderr(io.StringIO()) as words:
          source = read_mace_torch(f'{folder}/m.model', 'm')
        self.assertIn('a pickle can run code', words.getvalue())
        write_model(f'{folder}/n.h5', *import_mace.fold(source))
        self.assertEqual(evaluate(load(f'{folder}/n.h5'), **WATER)['energy'], energy)

  def test_every_head_is_to_be_had_by_its_name_alone(self):
    heads = dict(heads=['a', 'b'], atomic_energies=np.array([[-1.0, -2.0], [-3.0, -5.0]]),
                 atomic_inter_scale=[1.0, 3.0], atomic_inter_shift=[0.1, 0.4])
    for options in (heads, heads | dict(kind='MACE', num_interactions=3)):
      if options.get('kind') == 'MACE':
        options = {k: v for k, v in options.items() if not k.startswith('atomic_inter')}
      model = build(**options)
      for n, head in enumerate('ab'):
        with self.subTest(head), tempfile.TemporaryDirectory() as folder:
          write_model(f'{folder}/m.h5', *import_mace.fold(source_from_mace(model, 'm', '', head)))
          energy = evaluate(load(f'{folder}/m.h5'), **WATER)['energy']
          self.assertAlmostEqual(energy, energy_of_mace(model, n), delta=1e-12)
      with self.assertRaisesRegex(Unsupported, r'several heads at once \(a, b\): choose one with --head'):
        source_from_mace(model, 'm', '')
      with self.assertRaisesRegex(Unsupported, "head 'c', which the model does not have; it has a, b"):
        source_from_mace(model, 'm', '', 'c')

  @unittest.skipIf(cuequivariance_torch is None, 'needs cuequivariance-torch')
  def test_models_in_cuequivariance_form_are_those_of_e3nn(self):
    from mace.cli import convert_e3nn_cueq
    for options in (dict(correlation=3), dict(distance_transform='Agnesi', pair_repulsion=True,
                                              first='RealAgnosticDensityInteractionBlock')):
      with self.subTest(str(options)), tempfile.TemporaryDirectory() as folder:
        model = build(**options)
        torch.save(convert_e3nn_cueq.run(model, device='cpu'), f'{folder}/m.model')
        with redirect_stderr(io.StringIO()):
          source = read_mace_torch(f'{folder}/m.model', 'm')
        write_model(f'{folder}/m.h5', *import_mace.fold(source))
        energy = evaluate(load(f'{folder}/m.h5'), **WATER)['energy']
        self.assertAlmostEqual(energy, energy_of_mace(model), delta=1e-12)

  def test_code_in_a_pickle_is_not_run(self):
    class Evil:
      def __reduce__(self):
        return os.mkdir, (self.folder + '/ran',)
    with tempfile.TemporaryDirectory() as folder:
      evil = Evil()
      evil.folder = folder
      torch.save({'model': evil}, f'{folder}/m.model')
      with redirect_stderr(io.StringIO()), self.assertRaisesRegex(Unsupported, 'mkdir'):
        read_mace_torch(f'{folder}/m.model', 'm')
      with open(f'{folder}/n.model', 'wb') as f:
        pickle.dump(evil, f)
      with redirect_stderr(io.StringIO()), self.assertRaises((Unsupported, pickle.UnpicklingError, RuntimeError)):
        read_mace_torch(f'{folder}/n.model', 'n')
      self.assertFalse(os.path.exists(f'{folder}/ran'))

  def test_what_bloch_does_not_evaluate_is_refused_by_name(self):
    for word, options in (
        ('RealAgnosticResidualNonLinearInteractionBlock',
         dict(later='RealAgnosticResidualNonLinearInteractionBlock')),
        ('edge_irreps', dict(edge_irreps=o3.Irreps('4x0e'))),
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
