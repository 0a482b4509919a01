#!/usr/bin/env python3
"""Times training steps of Bloch and of mace-torch on this machine, in turns, and writes training.json.

  python3 Benchmarks/training.py [--rounds 3] [--skip-mace]

Frames are the box of Inputs/water-64.xyz (192 atoms), rattled, with made-up labels: what is timed does not depend on them. A
step is energy, forces, gradient of the loss by all weights, and Adam; models are new ones of the same sizes, two residual
layers and a cut-off of 4.5 A, without long range. mace-torch runs eager in float32 with its own loss and collate, on one
thread and with a malloc that keeps its memory, which is worth a third there. Needs numpy and ase; mace-torch 0.3.16 for the
comparison. Keep the machine quiet: ten minutes."""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import ase.io
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BLOCH = ROOT / '.build/release/bloch'
CUTOFF = 4.5
MODELS = {
  '32 channels, l_max 2, correlation 2': dict(channels=32, lmax=2, correlation=2),
  '64 channels, l_max 3, correlation 3': dict(channels=64, lmax=3, correlation=3),
}


def write_frames(path, count):
  """Rattled boxes with labels."""
  rng, box = np.random.default_rng(1), ase.io.read(ROOT / 'Inputs/water-64.xyz')
  with open(path, 'w') as f:
    for _ in range(count):
      x, forces = box.positions + rng.normal(0, 0.02, (len(box), 3)), rng.normal(0, 1, (len(box), 3))
      lattice = ' '.join(f'{v:.8f}' for v in np.asarray(box.cell).ravel())
      f.write(f'{len(box)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3:forces:R:3 '
              f'energy={-29.0 * len(box) + rng.normal():.6f} pbc="T T T"\n')
      for s, r, g in zip(box.get_chemical_symbols(), x, forces):
        f.write(f'{s} ' + ' '.join(f'{v:.8f}' for v in (*r, *g)) + '\n')


def bloch(folder, model, batch, threads, frames, epochs=2):
  """Seconds of a frame in a step, and MB."""
  deck = folder / 'deck.yaml'
  deck.write_text(f'''train: frames.xyz
valid_fraction: 0
isolated_energies: {{H: -13 eV, O: -61 eV}}
model: {{cutoff: {CUTOFF} A, channels: {model["channels"]}, l_max: {model["lmax"]}, correlation: {model["correlation"]}}}
long_range: {{type: none}}
batch: {{frames: {batch}}}
epochs: {epochs}
threads: {threads}
''')
  done = subprocess.run(
    ['/usr/bin/time', '-v', BLOCH, 'train', deck, '--overwrite'], check=True, capture_output=True, text=True, cwd=folder)
  text = done.stdout + done.stderr
  seconds = float(re.search(r'steps\s+([\d.]+) s', text)[1])
  memory = int(re.search(r'Maximum resident set size \(kbytes\): (\d+)', text)[1]) / 1024
  return seconds / (epochs * frames), memory


def mace(folder, model, batch, steps=4):
  """The same of mace-torch, in a process of its own."""
  environment = os.environ | dict(
    MALLOC_MMAP_THRESHOLD_=str(1 << 30), MALLOC_TRIM_THRESHOLD_=str(1 << 31), MALLOC_TOP_PAD_=str(1 << 28), OMP_NUM_THREADS='1',
    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD='1')  # e3nn 0.4.4 pickles its constants
  done = subprocess.run(
    [sys.executable, __file__, '--mace-step', json.dumps(dict(model, batch=batch, steps=steps, frames=str(folder / 'frames.xyz')))],
    check=True, capture_output=True, text=True, env=environment)
  seconds, memory = json.loads(done.stdout.strip().splitlines()[-1])
  return seconds, memory


def mace_step(options):
  import resource
  import time

  import torch
  from e3nn import o3
  from mace import data, modules, tools
  from mace.tools import torch_geometric

  torch.set_num_threads(1)
  torch.set_default_dtype(torch.float32)
  torch.manual_seed(1)
  table = tools.AtomicNumberTable([1, 8])
  block = modules.interaction_classes['RealAgnosticResidualInteractionBlock']
  model = modules.ScaleShiftMACE(
    r_max=CUTOFF, num_bessel=8, num_polynomial_cutoff=5, max_ell=options['lmax'], interaction_cls=block,
    interaction_cls_first=block, num_interactions=2, num_elements=2, hidden_irreps=o3.Irreps(f'{options["channels"]}x0e'),
    MLP_irreps=o3.Irreps('16x0e'), atomic_energies=np.array([-13.0, -61.0]), avg_num_neighbors=39.0, atomic_numbers=[1, 8],
    correlation=options['correlation'], gate=torch.nn.functional.silu, radial_MLP=[64, 64, 64], atomic_inter_scale=1.0,
    atomic_inter_shift=0.0)
  frames = ase.io.read(options['frames'], ':')[:options['batch']]
  keys = data.KeySpecification(info_keys={'energy': 'energy'}, arrays_keys={'forces': 'forces'})
  for frame in frames:
    frame.info['energy'], frame.arrays['forces'] = frame.get_potential_energy(), frame.get_forces()
  configurations = [data.config_from_atoms(frame, key_specification=keys) for frame in frames]
  loader = torch_geometric.dataloader.DataLoader(
    [data.AtomicData.from_config(c, z_table=table, cutoff=CUTOFF) for c in configurations], batch_size=len(frames))
  loss = modules.WeightedEnergyForcesLoss(energy_weight=1, forces_weight=100)
  optimiser = torch.optim.Adam(model.parameters(), lr=0.005, amsgrad=True)
  batch = next(iter(loader))
  for step in range(options['steps'] + 2):
    if step == 2:
      start = time.perf_counter()
    optimiser.zero_grad(set_to_none=True)
    out = model(batch.to_dict(), training=True, compute_force=True)
    loss(pred=out, ref=batch).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)
    optimiser.step()
  seconds = (time.perf_counter() - start) / options['steps'] / len(frames)
  print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('--rounds', type=int, default=3)
  p.add_argument('--skip-mace', action='store_true')
  p.add_argument('--mace-step', help=argparse.SUPPRESS)
  a = p.parse_args()
  if a.mace_step:
    return mace_step(json.loads(a.mace_step))
  results = []
  with tempfile.TemporaryDirectory() as name:
    folder, count = Path(name), 16
    write_frames(folder / 'frames.xyz', count)
    for title, model in MODELS.items():
      for batch in (1, 4):
        rounds = []
        for _ in range(a.rounds):
          one, two = (bloch(folder, model, batch, threads, count) for threads in (1, 2))
          other = (None, None) if a.skip_mace else mace(folder, model, batch)
          rounds.append(dict(bloch=one[0], bloch_two=two[0], memory=one[1], mace=other[0], mace_memory=other[1]))
        middle = {k: None if rounds[0][k] is None else float(np.median([r[k] for r in rounds])) for k in rounds[0]}
        ratio = '' if a.skip_mace else f', mace-torch {1e3 * middle["mace"]:.0f} ms: {np.median([r["mace"] / r["bloch"] for r in rounds]):.1f} times'
        print(f'{title}, batches of {batch}: {1e3 * middle["bloch"]:.1f} ms a frame{ratio}; two threads '
              f'{np.median([r["bloch"] / r["bloch_two"] for r in rounds]):.2f} times; {middle["memory"]:.0f} MB', flush=True)
        results.append(dict(model=title, batch=batch, rounds=rounds))
  processor = next((l.split(':')[1].strip() for l in open('/proc/cpuinfo') if l.startswith('model name')), platform.processor())
  (ROOT / 'Benchmarks/training.json').write_text(json.dumps(dict(processor=processor, results=results), indent=1) + '\n')


if __name__ == '__main__':
  main()
