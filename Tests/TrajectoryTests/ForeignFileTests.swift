// Files as h5py can write them and Bloch never does: links, external and virtual storage, filters, other types.

import Foundation
import HDF5
import Testing

@testable import Trajectory

private let hasH5py = (try? runTool([python, "-c", "import h5py, numpy"]).status) == 0

/// What h5py does to the open file `f`, what Bloch then reads, and the words of its refusal.
private let cases: [(python: String, path: String, words: String)] = [
  ("f['x'] = h5py.SoftLink('/real')", "/x", "/x: is a link to another place, which is not followed"),
  ("f['x'] = h5py.ExternalLink('other.h5', '/real')", "/x", "/x: is a link to another place"),
  ("f['g'] = h5py.ExternalLink('other.h5', '/')", "/g/real", "/g: is a link to another place"),
  (
    "f.create_dataset('x', shape=(3,), dtype='f8', external=[('/etc/passwd', 0, 24)])", "/x",
    "keeps its numbers in other files"
  ),
  (
    "l = h5py.VirtualLayout((3,), 'f8'); l[:] = h5py.VirtualSource('other.h5', 'real', (3,)); "
      + "f.create_virtual_dataset('x', l)", "/x", "keeps its numbers in other files"
  ),
  (
    "f.create_dataset('x', data=numpy.zeros(99), chunks=(9,), compression=32000)", "/x",
    "packed by filter 32000"
  ),
  ("f.create_dataset('x', shape=(10**6,), dtype='f8', chunks=(10,))", "/x", "was never written"),
  ("f.create_dataset('x', shape=(10**6,), dtype='f8')", "/x", "was never written"),
  ("f['x'] = numpy.zeros(3, 'c16')", "/x", "holds an unsupported type, not numbers"),
  ("f['x'] = numpy.zeros(3, numpy.longdouble)", "/x", "not numbers"),
  ("f['x'] = ['a', 'b']", "/x", "holds text, not numbers"),
]

@Test(.enabled(if: hasH5py, "needs a Python (BLOCH_PYTHON) with h5py"), arguments: cases.indices)
func whatLeadsOutOfAFileOrIsUnknownIsRefused(_ index: Int) throws {
  let scratch = try Scratch()
  let (script, path, words) = cases[index]
  let file = scratch.path("a.h5")
  // h5py has no filter 32000: one of a known number is given that number in the file.
  let made = try runTool([
    python, "-c",
    """
    import h5py, numpy, os
    os.chdir('\(scratch.url.path)')
    with h5py.File('other.h5', 'w') as f: f['real'] = [1., 2., 3.]
    with h5py.File('a.h5', 'w') as f:
      f['real'] = [1., 2., 3.]
      \(script.replacingOccurrences(of: "compression=32000", with: "fletcher32=True"))
    if 'compression=32000' in '''\(script)''':
      b = open('a.h5', 'rb').read()
      at = b.index(b'fletcher32') - 8
      assert b[at:at + 2] == bytes([3, 0])
      open('a.h5', 'wb').write(b[:at] + bytes([0, 125]) + b[at + 2:])
    """,
  ])
  #expect(made.status == 0, "\(made.output)")
  let read = try HDF5File(reading: file)
  #expect(try read.readDoubles("/real").values == [1, 2, 3])
  do {
    _ = try read.readDoubles(path)
    Issue.record("\(script) is read")
  } catch let error as HDF5Error {
    #expect("\(error)".hasPrefix(file) && "\(error)".contains(words), "\(error)")
  }
}

@Test(.enabled(if: hasH5py, "needs a Python (BLOCH_PYTHON) with h5py"))
func numbersThatOtherProgramsStoreAreReadAsTheyAre() throws {
  let scratch = try Scratch()
  let file = scratch.path("a.h5")
  let made = try runTool([
    python, "-c",
    """
    import h5py, numpy
    with h5py.File('\(file)', 'w') as f:
      f.create_dataset('packed', data=numpy.arange(1000.), chunks=(10,), compression='gzip', shuffle=True, fletcher32=True)
      f.create_dataset('tiles', data=numpy.arange(35, dtype='>f4').reshape(5, 7), chunks=(2, 3))
      f['big'] = numpy.array([1, 2], '>i2')
      f['unsigned'] = numpy.array([2**63 - 1], 'u8')
      f['beyond'] = numpy.array([2**63], 'u8')
      f.create_dataset('steps', data=numpy.array([5, 2**64 - 1], 'u8'), chunks=(2,), maxshape=(None,))
      f['yes'] = True
    """,
  ])
  #expect(made.status == 0, "\(made.output)")
  let read = try HDF5File(reading: file)
  #expect(try read.readDoubles("/packed").values == (0..<1000).map(Double.init))
  #expect(try read.readDoubles("/tiles").values == (0..<35).map(Double.init))
  #expect(try HDF5Rows(opening: "/tiles", in: read).readDoubles(row: 4) == (28..<35).map(Double.init))
  #expect(try read.readIntegers("/big").values == [1, 2])
  #expect(try read.readIntegers("/unsigned").values == [Int.max])
  #expect(try read.readIntegers("/yes").values == [1])
  #expect(
    throws: HDF5Error(
      file: file, path: "/beyond", reason: "holds 9223372036854775808, beyond the range of integers")
  ) {
    try read.readIntegers("/beyond")
  }
  let steps = try HDF5Rows(opening: "/steps", in: read)
  #expect(try steps.readIntegers(row: 0) == [5])
  #expect(throws: HDF5Error.self) { try steps.readIntegers(row: 1) }
}
