#!/usr/bin/env python3
"""salt.xyz -> learned.xyz, held.xyz (every fifth) and melt.xyz, 512 ions to begin with (melt.yaml). Needs ase."""
from pathlib import Path

from ase.io import read, write

frames = read(Path(__file__).with_name('salt.xyz'), ':')
for name, part in [('learned', [a for n, a in enumerate(frames) if n % 5]), ('held', frames[::5])]:
  write(f'{name}.xyz', part)
  print(f'{name}.xyz: {len(part)} frames')

melt = next(a for a in frames if a.info['temperature'] == 1150 and a.info['density'] == 1).repeat((2, 2, 2))
write('melt.xyz', melt, columns=['symbols', 'positions'])
