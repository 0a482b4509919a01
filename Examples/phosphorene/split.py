#!/usr/bin/env python3
"""phosphorene.xyz -> learned.xyz, held.xyz (every tenth) and curve.xyz, layers at rest, which nobody learns. Needs ase."""
from pathlib import Path

from ase.io import read, write

frames = read(Path(__file__).with_name('phosphorene.xyz'), ':')
others = [a for a in frames if not a.info['name'].startswith('curve')]
for name, part in [('learned', [a for n, a in enumerate(others) if n % 10]), ('held', others[::10]),
                   ('curve', [a for a in frames if a.info['name'].startswith('curve')])]:
  write(f'{name}.xyz', part)
  print(f'{name}.xyz: {len(part)} frames')
