"""Bloch model files (layout and recipe of the hash: Tools/README.md): reads every version; writes the
lowest that holds a model."""
import hashlib
import os

import numpy as np

VERSIONS = (1, 2, 3, 4, 5, 6)
# What version 1 repeated in every layer that attends.
SHARED = ('heads', 'width', 'weight', 'eps', 'subtract_self')


class Damaged(Exception):
  """Not a Bloch model, or one that is not as it was written."""


def version_of(data):
  """The lowest version that holds a model."""
  if any('/dispersion/' in path for path in data):
    return 6
  if any(path.startswith(('transform/', 'repulsion/')) or path.endswith('/density') for path in data):
    return 5
  return 4 if 'domain/mean' in data else 3 if any('/conserved/' in path for path in data) else 2


def canonical(value):
  """(type, size, bytes) of a dataset or attribute as the hash takes it."""
  if isinstance(value, (str, bytes)):
    text = value if isinstance(value, bytes) else value.encode()
    return 'text', str(len(text)), text
  array = np.asarray(value)
  kind, form = ('int32', '<i4') if array.dtype.kind in 'iub' else ('float64', '<f8')
  return kind, ','.join(map(str, array.shape)), np.ascontiguousarray(array, form).tobytes()


def digest(attributes, data):
  """SHA-256 over every value of a model in the order of their keys."""
  values = {f'{group}@{name}': v for group, a in attributes.items() for name, v in a.items()} | data
  values |= {'@format': 'bloch-model', '@version': version_of(data)}
  sha = hashlib.sha256()
  for key in sorted(values, key=str.encode):
    kind, size, content = canonical(values[key])
    sha.update(f'{key} {kind} {size}\n'.encode() + content)
  return sha.hexdigest()


def digest_of_version_1(data):
  """SHA-256 over path and bytes of every dataset."""
  sha = hashlib.sha256()
  for path in sorted(data, key=str.encode):
    sha.update(path.encode() + canonical(data[path])[2])
  return sha.hexdigest()


def read_model(path):
  """A model file of any version -> ({group: attributes}, {path: array}) as versions from 2 on have them."""
  import h5py
  attributes, data = {}, {}

  def visit(name, node):
    if isinstance(node, h5py.Dataset):
      data[name] = node[()]
    if node.attrs:
      attributes[name] = dict(node.attrs)

  with h5py.File(path) as f:
    if f.attrs.get('format') != 'bloch-model':
      raise Damaged(f'HDF5 of format {f.attrs.get("format")!r}, not a Bloch model')
    f.visititems(visit)
    root = dict(f.attrs)
  version, stored = root.pop('version'), root.pop('sha256')
  del root['format']
  attributes[''] = root
  if version not in VERSIONS:
    raise Damaged(f'model format version {version}; these tools read versions 1 to {VERSIONS[-1]}')
  found = digest_of_version_1(data) if version == 1 else digest(attributes, data)
  if found != stored:
    raise Damaged('its contents do not match its checksum: copy or import it again')
  if version == 1:
    share_attention(attributes, data)
  return attributes, data


def share_attention(attributes, data):
  """Moves what all attending layers of version 1 repeat to the one place of version 2, in place."""
  groups = [g for g in attributes if g.endswith('/rsa')]
  for group in sorted(groups):
    shared = {k: attributes[group].pop(k) for k in SHARED}
    sigmas = data.pop(f'{group}/sigmas')
    if attributes.setdefault('rsa', shared) != shared or not np.array_equal(
        data.setdefault('rsa/sigmas', sigmas), sigmas):
      raise Damaged(f'{group} has other settings than the layers before it')


def write_model(path, attributes, data):
  """Writes a file, which appears when it is complete."""
  import h5py
  data = {k: np.ascontiguousarray(v, '<i4' if np.asarray(v).dtype.kind in 'iu' else '<f8')
          for k, v in data.items()}
  with h5py.File(path, 'w', driver='core', backing_store=False) as f:
    f.attrs.update(format='bloch-model', version=np.int32(version_of(data)), sha256=digest(attributes, data))
    for name, array in data.items():
      f.create_dataset(name, data=array)
    for group, values in attributes.items():
      for key, value in values.items():
        f[group or '/'].attrs[key] = np.int32(value) if isinstance(value, (int, np.integer)) else value
    f.flush()
    image = f.id.get_file_image()
  partial = f'{path}.{os.getpid()}.partial'
  descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
  try:
    with os.fdopen(descriptor, 'wb') as out:
      out.write(image)
      out.flush()
      os.fsync(out.fileno())
    os.replace(partial, path)
  except BaseException:
    os.unlink(partial)
    raise
