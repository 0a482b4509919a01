"""What the scripts of this folder share: frames labelled by GFN2-xTB, and frames as `bloch evaluate` sees them."""
import os
import subprocess
import tempfile
from pathlib import Path

import ase.io

BLOCH = os.environ.get('BLOCH', Path(__file__).resolve().parents[2] / '.build/release/bloch')


def labelled(atoms, more='', **options):
  """A free cluster as extended XYZ with GFN2-xTB energy (eV) and forces (eV/A); `options` are those of TBLite."""
  from tblite.ase import TBLite
  atoms.calc = TBLite(method='GFN2-xTB', verbosity=0, **options)
  energy, forces = atoms.get_potential_energy(), atoms.get_forces()
  rows = zip(atoms.get_chemical_symbols(), atoms.positions, forces)
  return (f'{len(atoms)}\nProperties=species:S:1:pos:R:3:forces:R:3 energy={energy:.8f}{more} pbc="F F F"\n'
          + ''.join(s + ''.join(f' {v:.6f}' for v in (*r, *f)) + '\n' for s, r, f in rows))


def predicted(model, path):
  """The frames of `path` with energies and forces of `model`."""
  with tempfile.TemporaryDirectory() as folder:
    result = Path(folder) / 'result.xyz'
    subprocess.run([BLOCH, 'evaluate', '--model', model, path, '--output', result], check=True, capture_output=True)
    return ase.io.read(result, ':')
