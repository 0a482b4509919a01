#!/usr/bin/env python3
"""Molten sodium chloride, 32 Na and 32 Cl, with PBE energies, forces and stress from CP2K: data for `bloch train`.

  make_salt.py sample FOLDER                          configurations.xyz: classical dynamics at 1,000 to 1,500 K
  make_salt.py close salt.xyz OUT.xyz                 configurations with two ions pushed together
  make_salt.py label FOLDER/configurations.xyz OUT.xyz [--first N] [--every M] [--cutoff RY]

`sample` runs CP2K's classical part with the potential of Fumi and Tosi (doi:10.1016/0022-3697(64)90159-3) at the densities that were
measured (doi:10.1063/1.555693: 2.1389 - 5.426e-4 T g/cm^3) and at 6 % less and more, 12 ps each: two minutes. `label` adds
PBE/TZVP-MOLOPT-PBE-GTH with pseudopotentials of one electron of Na and seven of Cl, Gamma point, 250 Ry, a minute of one core a frame;
OUT.xyz grows by one frame at a time and frames that it has are left out, so that an interrupted one goes on. `close` takes frames of
the melt and brings two neighbours to a distance that no melt has: a model that has never seen one may put sodium ions on top of
each other. Needs CP2K (2023.1 of Debian: cp2k, cp2k-data), numpy.

Forces change by 7e-5 eV/A (root of the mean square) from 250 to 400 Ry, by 7e-3 from the smaller basis DZVP. Sodium with nine
electrons has forces that change by 0.6 eV/A from 400 to 600 Ry. Rock salt's lattice constant is 5.67 A (all electrons, PBE: 5.70)."""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PAIRS = 32
TEMPERATURES = [1000, 1150, 1300, 1500]
DENSITIES = [0.94, 1.0, 1.06]
HARTREE, BOHR = 27.211386245988, 0.529177210903
MASS = 58.443
FUMI_TOSI = '''
    &FORCEFIELD
      &CHARGE
        ATOM NA
        CHARGE 1.0
      &END
      &CHARGE
        ATOM CL
        CHARGE -1.0
      &END
      &NONBONDED
        &BMHFT
          ATOMS NA NA
          MAP_ATOMS NA NA
          RCUT 6.0
        &END
        &BMHFT
          ATOMS NA CL
          MAP_ATOMS NA CL
          RCUT 6.0
        &END
        &BMHFT
          ATOMS CL CL
          MAP_ATOMS CL CL
          RCUT 6.0
        &END
      &END
    &END'''


def edge(temperature, scale=1.0):
  """Of the box, Angstrom."""
  density = (2.1389 - 5.426e-4 * temperature) * scale
  return (PAIRS * MASS / (0.602214076 * density)) ** (1 / 3)


def cell_block(a):
  return f'''
    &CELL
      ABC {a:.8f} {a:.8f} {a:.8f}
    &END'''


def coordinates(symbols, positions):
  rows = '\n'.join(f'      {s} {x:.8f} {y:.8f} {z:.8f}' for s, (x, y, z) in zip(symbols, positions))
  return f'''
    &COORD
{rows}
    &END'''


def cp2k(text, folder):
  Path(folder, 'in.inp').write_text(text)
  environment = os.environ | {'OMP_NUM_THREADS': '1'}
  done = subprocess.run(['cp2k.psmp', 'in.inp'], cwd=folder, capture_output=True, text=True, env=environment)
  if done.returncode:
    sys.exit(done.stdout[-3000:] + done.stderr[-2000:])
  return done.stdout


def sample(folder):
  rng = np.random.default_rng(1)
  n = 4
  grid = np.array([(i, j, k) for i in range(n) for j in range(n) for k in range(n)])
  symbols = ['Na' if (i + j + k) % 2 == 0 else 'Cl' for i, j, k in grid]
  frames = []
  for temperature in TEMPERATURES:
    for scale in DENSITIES:
      a = edge(temperature, scale)
      start = (grid + 0.25 + rng.uniform(-0.1, 0.1, (64, 3))) * a / n
      with tempfile.TemporaryDirectory() as work:
        # Melted at 2,500 K first.
        cp2k(f'''
&GLOBAL
  PROJECT s
  RUN_TYPE MD
  PRINT_LEVEL LOW
  SEED {int(rng.integers(1 << 20))}
&END
&MOTION
  &MD
    ENSEMBLE NVT
    STEPS 12000
    TIMESTEP 1.0
    TEMPERATURE {temperature}
    TEMPERATURE_ANNEALING 1.0
    &THERMOSTAT
      TYPE CSVR
      &CSVR
        TIMECON 50
      &END
    &END
  &END
  &PRINT
    &TRAJECTORY
      &EACH
        MD 500
      &END
    &END
  &END
&END
&FORCE_EVAL
  METHOD FIST
  &MM{FUMI_TOSI}
    &POISSON
      &EWALD
        EWALD_TYPE EWALD
        ALPHA 0.5
        GMAX 15
      &END
    &END
  &END
  &SUBSYS{cell_block(a)}{coordinates([s.upper() for s in symbols], start)}
  &END
&END
''', work)
        text = Path(work, 's-pos-1.xyz').read_text().splitlines()
      blocks = [text[k:k + 66] for k in range(0, len(text), 66)]
      # The first 3 ps melt the crystal.
      for block in blocks[6:]:
        x = np.array([[float(v) for v in row.split()[1:4]] for row in block[2:]])
        frames.append((a, temperature, scale, x % a))
      print(f'{temperature} K, density times {scale}: {len(frames)} frames', flush=True)
  # Every part of the file has every temperature and density.
  rng.shuffle(order := list(range(len(frames))))
  with open(Path(folder) / 'configurations.xyz', 'w') as out:
    for number, k in enumerate(order):
      a, temperature, scale, x = frames[k]
      out.write(f'64\nLattice="{a:.8f} 0 0 0 {a:.8f} 0 0 0 {a:.8f}" Properties=species:S:1:pos:R:3 pbc="T T T" '
                f'name=classical-{number} temperature={temperature} density={scale}\n')
      out.writelines(f'{s} {r[0]:.8f} {r[1]:.8f} {r[2]:.8f}\n' for s, r in zip(symbols, x))


def read(path):
  lines = Path(path).read_text().splitlines()
  k = 0
  while k < len(lines):
    n = int(lines[k])
    rows = [line.split() for line in lines[k + 2:k + 2 + n]]
    yield lines[k + 1], [r[0] for r in rows], np.array([[float(v) for v in r[1:4]] for r in rows])
    k += n + 2


# Angstrom.
CLOSE = [('Na', 'Na', 1.2), ('Na', 'Na', 1.6), ('Na', 'Na', 2.0), ('Cl', 'Cl', 2.2), ('Na', 'Cl', 1.7), ('Na', 'Na', 1.4),
         ('Na', 'Na', 1.8), ('Na', 'Na', 2.3), ('Cl', 'Cl', 2.7), ('Na', 'Na', 1.0), ('Na', 'Na', 1.5)]


def close(source, out):
  """Of the nearest pair of a kind each goes half of the way."""
  frames = list(read(source))
  with open(out, 'w') as file:
    for n, (first, second, distance) in enumerate(CLOSE):
      header, symbols, x = frames[3 + 7 * n]
      a = float(re.search(r'Lattice="(\S+)', header)[1])
      between = x[None] - x[:, None]
      between -= a * np.round(between / a)
      lengths = np.linalg.norm(between, axis=-1)
      kinds = np.array(symbols)
      lengths[~((kinds[:, None] == first) & (kinds[None] == second)) | (lengths == 0)] = np.inf
      i, j = np.unravel_index(lengths.argmin(), lengths.shape)
      step = between[i, j] * (1 - distance / lengths[i, j]) / 2
      x[i] += step
      x[j] -= step
      name, temperature, density = (re.search(rf'{key}=(\S+)', header)[1] for key in ('name', 'temperature', 'density'))
      file.write(f'{len(x)}\nLattice="{a:.8f} 0 0 0 {a:.8f} 0 0 0 {a:.8f}" Properties=species:S:1:pos:R:3 pbc="T T T" '
                 f'name={name}-{first}{second}-{distance} temperature={temperature} density={density}\n')
      file.writelines(f'{s} {r[0]:.8f} {r[1]:.8f} {r[2]:.8f}\n' for s, r in zip(symbols, x))


def pbe(a, symbols, positions, cutoff, folder):
  """Energy, eV; forces, eV/Angstrom; stress, eV/Angstrom^3, positive under tension."""
  text = cp2k(f'''
&GLOBAL
  PROJECT s
  RUN_TYPE ENERGY_FORCE
  PRINT_LEVEL MEDIUM
  PREFERRED_FFT_LIBRARY FFTW3
  FFTW_PLAN_TYPE MEASURE
&END
&FORCE_EVAL
  METHOD QS
  STRESS_TENSOR ANALYTICAL
  &DFT
    BASIS_SET_FILE_NAME BASIS_MOLOPT_UZH
    POTENTIAL_FILE_NAME POTENTIAL_UZH
    &MGRID
      CUTOFF {cutoff}
      REL_CUTOFF 50
    &END
    &QS
      EPS_DEFAULT 1e-10
    &END
    &SCF
      SCF_GUESS ATOMIC
      EPS_SCF 1e-6
      MAX_SCF 10
      &OT
        MINIMIZER DIIS
        PRECONDITIONER FULL_ALL
        ENERGY_GAP 0.08
      &END
      &OUTER_SCF
        EPS_SCF 1e-6
        MAX_SCF 20
      &END
    &END
    &XC
      &XC_FUNCTIONAL PBE
      &END
    &END
  &END
  &SUBSYS{cell_block(a)}{coordinates(symbols, positions)}
    &KIND Na
      BASIS_SET TZVP-MOLOPT-PBE-GTH-q1
      POTENTIAL GTH-PBE-q1
    &END
    &KIND Cl
      BASIS_SET TZVP-MOLOPT-PBE-GTH-q7
      POTENTIAL GTH-PBE-q7
    &END
  &END
  &PRINT
    &FORCES
      NDIGITS 10
    &END
    &STRESS_TENSOR
    &END
  &END
&END
''', folder)
  if 'SCF run NOT converged' in text:
    raise RuntimeError('not converged')
  energy = float(re.search(r'ENERGY\| Total FORCE_EVAL.*?(-?\d+\.\d+)', text)[1]) * HARTREE
  rows = text[text.index('ATOMIC FORCES in'):].splitlines()[3:3 + len(symbols)]
  forces = np.array([[float(v) for v in row.split()[3:6]] for row in rows]) * HARTREE / BOHR
  # CP2K prints the pressure tensor, GPa.
  tensor = re.findall(r'STRESS\|\s+[xyz]\s+(-?\d\S*)\s+(-?\d\S*)\s+(-?\d\S*)', text)[:3]
  stress = -np.array(tensor, float) / 160.21766208
  return energy, forces, stress


def label(source, out, first, every, cutoff):
  done = {re.search(r'name=(\S+)', header)[1] for header, _, _ in read(out)} if Path(out).exists() else set()
  for k, (header, symbols, x) in enumerate(read(source)):
    name = re.search(r'name=(\S+)', header)[1]
    if k % every != first or name in done:
      continue
    a = float(re.search(r'Lattice="(\S+)', header)[1])
    with tempfile.TemporaryDirectory() as folder:
      try:
        energy, forces, stress = pbe(a, symbols, x, cutoff, folder)
      except RuntimeError as failure:
        print(f'{name}: {failure}, left out', flush=True)
        continue
    text = f'{len(x)}\n{header} energy={energy:.7f} stress="' + ' '.join(f'{v:.9f}' for v in stress.ravel()) + '"\n'
    text = text.replace('pos:R:3 ', 'pos:R:3:forces:R:3 ')
    text += ''.join(f'{s} ' + ' '.join(f'{v:.7f}' for v in (*r, *f)) + '\n' for s, r, f in zip(symbols, x, forces))
    with open(out, 'a') as file:
      file.write(text)
    print(f'{name}: {energy:.6f} eV, largest force {abs(forces).max():.2f} eV/A', flush=True)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  commands = parser.add_subparsers(dest='command', required=True)
  commands.add_parser('sample').add_argument('folder')
  pairs = commands.add_parser('close')
  pairs.add_argument('source')
  pairs.add_argument('out')
  labels = commands.add_parser('label')
  labels.add_argument('source')
  labels.add_argument('out')
  labels.add_argument('--first', type=int, default=0)
  labels.add_argument('--every', type=int, default=1)
  labels.add_argument('--cutoff', type=float, default=250)
  a = parser.parse_args()
  if a.command == 'sample':
    sample(a.folder)
  elif a.command == 'close':
    close(a.source, a.out)
  else:
    label(a.source, a.out, a.first, a.every, a.cutoff)


if __name__ == '__main__':
  main()
