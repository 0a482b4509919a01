// A model written is the model read: same hash, same values, same energies to the bit, also for the Python tools.

import Foundation
import HDF5
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

private let small = "x_d_top6_rms_reduced_cg"

@Suite struct ModelWritingTests {
  private static let files =
    Golden.names.map { Golden.folder.appendingPathComponent("\($0).model.h5").path } + [
      Golden.folder.appendingPathComponent("\(small).version-1.h5").path,
      Golden.folder.appendingPathComponent("../../Models/water.h5").path,
    ]

  private func members(_ folder: ModelFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
  }

  @Test(arguments: files) func writtenModelIsTheModel(file: String) throws {
    let folder = try ModelFolder()
    let path = folder.url.appendingPathComponent("copy.h5").path
    let model = try Model(contentsOf: file)
    try model.write(to: path)
    let copy = try Model(contentsOf: path)
    #expect(copy.hash == model.hash && copy.contents == model.contents)
    #expect(copy.provenance == model.provenance && copy.errors == model.errors && copy.name == model.name)
    #expect(try members(folder) == ["copy.h5"])

    let again = folder.url.appendingPathComponent("again.h5").path
    try copy.write(to: again)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: path)) == Data(contentsOf: URL(fileURLWithPath: again)))
  }

  @Test(arguments: Golden.names) func energiesAndForcesKeepTheirBits(name: String) throws {
    let folder = try ModelFolder()
    let path = folder.url.appendingPathComponent("copy.h5").path
    try Golden.model(name).write(to: path)
    let system = try Golden.frames(name)[0].system
    for precision in LRMACEPotential.Precision.allCases {
      var (a, b) = (Evaluation(), Evaluation())
      try LRMACEPotential(model: Golden.model(name), precision: precision).evaluate(system, into: &a)
      try LRMACEPotential(modelPath: path, precision: precision).evaluate(system, into: &b)
      #expect(a.energy == b.energy && a.forces == b.forces && a.stress == b.stress)
    }
  }

  @Test func hashFollowsWhatWasChanged() throws {
    let folder = try ModelFolder()
    let path = folder.url.appendingPathComponent("model.h5").path
    var model = try Golden.model(small)
    try model.write(to: path)
    let before = model.hash
    model.provenance = "trained once more, on ice — 冰"
    model.errors = nil
    model.shift += 1
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.provenance == model.provenance && read.errors == nil && read.shift == model.shift)
    #expect(read.hash != before)
    #expect(try members(folder) == ["model.h5"])
  }

  @Test(.enabled(if: ThirdParty.run(["-c", "import h5py"]), "python3 has no h5py (set BLOCH_PYTHON)"))
  func numbersHaveTheTypesOfTheFormat() throws {
    let folder = try ModelFolder()
    let path = folder.url.appendingPathComponent("model.h5").path
    try Golden.model(small).write(to: path)
    let script = """
      import sys, numpy, h5py
      sys.path.insert(0, sys.argv[1])
      import bloch_model
      attributes, data = bloch_model.read_model(sys.argv[2])
      kinds = {a.dtype for a in data.values()}
      assert kinds == {numpy.dtype('<i4'), numpy.dtype('<f8')}, kinds
      with h5py.File(sys.argv[2]) as f:
        assert f.attrs['version'].dtype == numpy.dtype('<i4') and f.attrs['scale'].dtype == numpy.dtype('<f8')
        assert f.attrs['format'] == 'bloch-model'
      """
    let tools = Golden.folder.appendingPathComponent("../../Tools").path
    #expect(ThirdParty.run(["-c", script, tools, path]))
  }

  @Test func whatCannotBeWrittenLeavesNothingBehind() throws {
    let folder = try ModelFolder()
    let model = try Golden.model(small)
    let taken = folder.url.appendingPathComponent("taken.h5").path
    try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: false)
    let error = try #require(throws: HDF5Error.self) { try model.write(to: taken) }
    #expect(error.file == taken && error.reason.contains("is a directory"))
    #expect(try members(folder) == ["taken.h5"])

    let missing = folder.url.appendingPathComponent("missing/model.h5").path
    let other = try #require(throws: HDF5Error.self) { try model.write(to: missing) }
    #expect(other.file == missing && other.reason.contains("no such file or directory"))

    let path = folder.url.appendingPathComponent("model.h5").path
    try model.write(to: path)
    var (unsound, unspeakable) = (model, model)
    unsound.embedding[0, 0] = .nan
    unspeakable.name = "wat\0er"
    for wrong in [unsound, unspeakable] {
      #expect(throws: ModelError.self) { try wrong.write(to: path) }
    }
    #expect(try Model(contentsOf: path).hash == model.hash)
    #expect(try members(folder) == ["model.h5", "taken.h5"])
  }
}
