#!/usr/bin/env python3
"""Times Bloch on this machine and writes results.json, from which report.py makes tables and pictures.

  python3 Benchmarks/run.py --model SR.h5 --long-range LR.h5 [--mace SR.model] [--only sizes,threads,...]

SR.h5 is a short-range Bloch model of water, LR.h5 one with attention, SR.model the mace-torch file that SR.h5 was
imported from. The box of Inputs/water-64.xyz (192 atoms) is repeated up to 98,304 atoms. Needs numpy and h5py;
--mace needs torch, mace-torch and ase. Keep the machine quiet: half an hour."""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BLOCH = ROOT / '.build/release/bloch'
BOX = ROOT / 'Inputs/water-64.xyz'
COPIES = [(1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2), (4, 2, 2), (4, 4, 2), (4, 4, 4), (8, 8, 8)]


def bench(model, copies, *options):
  """One `bloch benchmark`, as a dictionary, or a list of them where `options` name several numbers of threads."""
  command = [BLOCH, 'benchmark', '--model', model, '--structure', BOX, '--json', '--replicate', *copies, *options]
  out = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
  result = json.loads(out)
  times = [f'{r["microseconds_per_atom_step"]:.1f}' for r in (result if isinstance(result, list) else [result])]
  print('  ', *copies, *options, *times, 'us/atom', flush=True)
  return result


def sizes(models):
  return {name: [bench(path, c) for c in COPIES] for name, path in models.items()}


def threads(models, rounds=5):
  """Speed on several threads against one, in turns within one process; and, as what the machine itself gives, one
  process against as many processes of one thread at once."""
  counts, results = [n for n in (2, 4, 8, 16, 32) if n <= (os.cpu_count() or 1)], {}
  for name, path in models.items():
    results[name] = []
    for copies in (COPIES[0], COPIES[3], COPIES[6]):
      for n in counts:
        ours, machine = [], []
        for _ in range(rounds):
          one, several = bench(path, copies, '--threads', 1, n)
          with ThreadPoolExecutor(n) as pool:
            side = list(pool.map(lambda _: bench(path, copies), range(n)))
          ours.append(several['speedup'])
          machine.append(n * one['microseconds_per_atom_step'] / np.mean([r['microseconds_per_atom_step'] for r in side]))
        results[name].append(dict(atoms=one['atoms'], threads=n, speedup=ours, machine=machine))
  return results


def methods(models):
  """Evaluations of the attention, each up to the size at which it is hopeless."""
  limits = {'pairwise': 768, 'mesh': 12288, 'k-sum': 1536}
  return {name: {m: [bench(path, c, '--attention', m) for c in COPIES if 192 * np.prod(c) <= limit]
                 for m, limit in limits.items()} for name, path in models.items()}


def dead_paths(models):
  return {name: {'left out': bench(path, COPIES[3]), 'kept': bench(path, COPIES[3], '--keep-dead-paths')}
          for name, path in models.items()}


# ------------------------------------------------------------------ accuracy of the mesh
def read_xyz(path):
  """Lattice [3,3], symbols, positions [N,3] of the first frame, and energy and forces where it has them."""
  lines = Path(path).read_text().splitlines()
  n, header = int(lines[0]), lines[1]
  rows = [line.split() for line in lines[2:2 + n]]
  lattice = np.array(re.search(r'Lattice="([^"]*)"', header)[1].split(), float).reshape(3, 3)
  columns, at = {}, 0
  fields = re.search(r'Properties=(\S+)', header)[1].split(':')
  for name, _, width in zip(fields[::3], fields[1::3], map(int, fields[2::3])):
    columns[name] = slice(at, at + width)
    at += width
  column = lambda name: np.array([r[columns[name]] for r in rows], float)
  energy = re.search(r'\benergy=(\S+)', header)
  return dict(lattice=lattice, symbols=[r[0] for r in rows], positions=column('pos'),
              energy=float(energy[1]) if energy else None,
              forces=column('forces') if 'forces' in columns else None)


def disordered(copies, path):
  """The box repeated, every atom then moved by 0.05 A at random: copies must not be periodic images."""
  box, rng = read_xyz(BOX), np.random.default_rng(1)
  shifts = np.array([(i, j, k) for i in range(copies[0]) for j in range(copies[1]) for k in range(copies[2])])
  positions = (box['positions'][None] + (shifts @ box['lattice'])[:, None]).reshape(-1, 3)
  positions += rng.normal(scale=0.05, size=positions.shape)
  lattice = box['lattice'] * np.array(copies)[:, None]
  with open(path, 'w') as f:
    f.write(f'{len(positions)}\nLattice="{" ".join(map(str, lattice.ravel()))}" Properties=species:S:1:pos:R:3\n')
    for symbol, r in zip(box['symbols'] * len(shifts), positions):
      f.write(f'{symbol} {r[0]:.8f} {r[1]:.8f} {r[2]:.8f}\n')


def accuracy(models):
  """Energy (eV/atom) and largest force (eV/A) error of the mesh against the k-sum, all in double precision."""
  results = {}
  with tempfile.TemporaryDirectory() as folder:
    for name, path in models.items():
      results[name] = {}
      for copies in (COPIES[0], COPIES[3]):
        structure, out = f'{folder}/in.xyz', f'{folder}/out.xyz'
        disordered(copies, structure)

        def evaluate(*options):
          Path(out).unlink(missing_ok=True)
          command = [BLOCH, 'evaluate', '--model', path, structure, '--output', out, *options]
          subprocess.run(list(map(str, command)), check=True, capture_output=True)
          return read_xyz(out)

        exact = evaluate('--attention', 'k-sum')

        def errors(*options):
          r = evaluate('--attention', 'mesh', *options)
          return dict(energy=abs(r['energy'] - exact['energy']) / len(r['forces']),
                      force=float(np.abs(r['forces'] - exact['forces']).max()))

        results[name][len(exact['forces'])] = dict(
          chosen=errors(), given=[
            dict(order=order, spacing=spacing, **errors('--mesh-order', order, '--mesh-spacing', spacing))
            for order in (4, 5, 6, 7, 8) for spacing in (0.5, 0.6, 0.7, 0.8, 0.9)])
        print('  ', name, len(exact['forces']), 'atoms', results[name][len(exact['forces'])]['chosen'], flush=True)
  return results


# ------------------------------------------------------------------ mace-torch on the same machine
def mace_torch(mace, model):
  """mace-torch (float32, one thread, through ASE) and Bloch in turns, CPU microseconds per atom."""
  import warnings
  warnings.filterwarnings('ignore')
  import ase
  import torch
  from mace.calculators import MACECalculator
  torch.set_num_threads(1)
  torch.set_flush_denormal(True)
  box, results = read_xyz(BOX), []
  calculator = MACECalculator(model_paths=mace, device='cpu', default_dtype='float32')
  for copies in (COPIES[0], COPIES[3]):
    atoms = ase.Atoms(box['symbols'], box['positions'], cell=box['lattice'], pbc=True).repeat(copies)
    atoms.calc = calculator
    ours, theirs = [], []
    for _ in range(3):
      times = []
      for _ in range(3 if len(atoms) > 192 else 8):
        atoms.rattle(1e-3, rng=np.random.default_rng())
        start = time.process_time()
        atoms.get_forces()
        times.append(time.process_time() - start)
      theirs.append(np.median(times[1:]) / len(atoms) * 1e6)
      ours.append(bench(model, copies)['microseconds_per_atom_step'])
    results.append(dict(atoms=len(atoms), bloch=ours, mace_torch=theirs))
    print('  ', results[-1], flush=True)
  return results


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('--model', required=True, help='short-range Bloch model of water')
  p.add_argument('--long-range', required=True, help='Bloch model of water with attention')
  p.add_argument('--mace', help='mace-torch file that --model was imported from')
  p.add_argument('--only', help='comma-separated parts: sizes, threads, methods, accuracy, dead, mace')
  p.add_argument('--results', default=str(ROOT / 'Benchmarks/results.json'))
  a = p.parse_args()
  results = json.loads(Path(a.results).read_text()) if a.only and os.path.exists(a.results) else {}
  cpu = re.search(r'model name\s*:\s*(.*)', Path('/proc/cpuinfo').read_text()) if os.path.exists('/proc/cpuinfo') else None
  results['machine'] = dict(processor=cpu[1] if cpu else platform.processor(), cores=os.cpu_count(), system=platform.platform())
  with tempfile.TemporaryDirectory() as folder:
    attending = f'{folder}/attending.h5'
    subprocess.run([sys.executable, str(ROOT / 'Benchmarks/add_attention.py'), a.model, attending], check=True)
    short, wide, shipped = {'short range': a.model}, {'with attention, D = 32': attending}, {'long-range model': a.long_range}
    parts = dict(
      sizes=lambda: sizes({**short, **wide, **shipped}), threads=lambda: threads({**short, **shipped}),
      methods=lambda: methods({**wide, **shipped}), accuracy=lambda: accuracy({**shipped, **wide}), dead=lambda: dead_paths(short),
      mace=lambda: mace_torch(a.mace, a.model))
    for name in (a.only.split(',') if a.only else [n for n in parts if n != 'mace' or a.mace]):
      print(name, flush=True)
      results[name] = parts[name]()
      Path(a.results).write_text(json.dumps(results, indent=1))


if __name__ == '__main__':
  main()
