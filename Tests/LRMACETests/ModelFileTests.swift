// What the reader of model files takes and what it refuses.

import Foundation
import HDF5
import Testing

@testable import LRMACE
@testable import LRMACEModel

/// Two layers that attend, 6 channels.
private let small = "x_d_top6_rms_reduced_cg"

private func refusal(_ path: String) throws -> String {
  let error = try #require(throws: (any Error).self) { try Model(contentsOf: path) }
  #expect(error is ModelError || error is HDF5Error, "\(error)")
  #expect("\(error)".hasPrefix(path))
  return "\(error)"
}

@Suite struct ModelFileTests {
  @Test(arguments: Golden.names) func contentsAreTheWholeFile(name: String) throws {
    let model = try Golden.model(name)
    let folder = try ModelFolder()
    for version in model.fileVersion > 2 ? model.fileVersion...model.fileVersion : 1...2 {
      let copy = try Model(contentsOf: folder.write(model.contents, version: version))
      #expect(copy.hash == model.hash && copy.contents == model.contents)
    }
  }

  @Test func fileOfVersion1IsTheSameModel() throws {
    let old = try Model(contentsOf: Golden.folder.appendingPathComponent("\(small).version-1.h5").path)
    let new = try Golden.model(small)
    #expect(old.hash == new.hash && old.contents == new.contents)
  }

  @Test func attributeOfVersion1BelongsToTheIdentity() throws {
    let folder = try ModelFolder()
    let model = try Golden.model(small)
    var contents = model.contents
    contents["@cutoff_p"] = .integer(6 - (model.radialBasis.cutoffExponent - 5))
    let other = try Model(contentsOf: folder.write(contents, version: 1))
    #expect(other.hash != model.hash)
  }

  @Test func editedAttributeIsRefused() throws {
    let folder = try ModelFolder()
    let model = try Golden.model(small)
    let edits: [String: ModelValue] = [
      "@scale": .number(model.scale.nextUp), "@shift": .number(model.shift + 1e-9), "@name": .text("other"),
      "@provenance": .text(""), "@errors": .text("none"), "rsa@eps": .number(1e-5),
      "rsa@subtract_self": .integer(1), "rsa@weight": .text("coulomb"), "layers/1/rsa@phi": .text("softplus"),
      "layers/0/rsa@norm": .text("none"), "@cutoff_p": .integer(5), "@bessel_prefactor": .number(1),
    ]
    for (key, value) in edits {
      let path = try folder.write(model.contents, replacing: [key: value])
      #expect(try refusal(path).contains("do not match its checksum"), "\(key)")
    }
    #expect(try refusal(folder.write(model.contents, checksum: "")).contains("do not match its checksum"))
    #expect(try refusal(folder.write(model.contents, version: 1, checksum: "")).contains("its checksum"))
  }

  @Test(arguments: [
    ("layers/1/rsa@heads", ModelValue.integer(2), "layers/1/rsa: heads is 2, but that of layers/0/rsa is 3"),
    ("layers/1/rsa@width", .integer(3), "layers/1/rsa: width is 3"),
    ("layers/1/rsa@weight", .text("coulomb"), "layers/1/rsa: weight is coulomb"),
    ("layers/1/rsa@eps", .number(1e-5), "layers/1/rsa: eps is 1e-05"),
    ("layers/1/rsa@subtract_self", .integer(1), "layers/1/rsa: subtract_self is 1"),
    ("layers/1/rsa/sigmas", .numbers([0.7], shape: [1]), "layers/1/rsa: sigmas is [0.7]"),
  ])
  func layersWithDifferentAttentionAreRefused(key: String, value: ModelValue, words: String) throws {
    let folder = try ModelFolder()
    let path = try folder.write(try Golden.model(small).contents, version: 1, replacing: [key: value])
    #expect(try refusal(path).contains(words))
  }

  @Test(arguments: [
    "extra", "layers/2/paths", "layers/x", "layers/0/extra/deep", "layers/0/linear/9", "layers/0/radial/00",
    "layers/1/contraction/0/weights4", "layers/1/readout/w3", "layers/0/rsa/sigmas", "rsa/filter",
    "@comment", "layers/0@comment", "layers/1/readout@comment", "rsa@phi", "E0@unit", "layers/0/rsa/W_q@unit",
  ]) func whatTheFormatDoesNotHaveIsRefused(key: String) throws {
    let folder = try ModelFolder()
    var contents = try Golden.model(small).contents
    contents[key] = .number(1)
    #expect(try refusal(folder.write(contents)).contains("is not known in a model of version 2"))
  }

  @Test func numberOfLayersMustBeThatOfTheFile() throws {
    let folder = try ModelFolder()
    var contents = try Golden.model(small).contents
    contents["@num_layers"] = .integer(1)
    #expect(try refusal(folder.write(contents)).contains("'layers/1' is not known"))
    contents["@num_layers"] = .integer(3)
    #expect(try refusal(folder.write(contents)).contains("layers/2 is missing"))
  }

  @Test func filesOfOthersAreSentToTheImporter() throws {
    let folder = try ModelFolder()
    for (name, bytes) in [("water.model", "anything"), ("water.h5", "PK\u{3}\u{4}data"), ("w.pt", "x")] {
      let path = folder.url.appendingPathComponent(name).path
      try Data(bytes.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try refusal(path).contains("python3 Tools/import_mace.py IN OUT.h5"))
    }
    let pickle = folder.url.appendingPathComponent("pickle.h5").path
    try Data([0x80, 2, 0x63]).write(to: URL(fileURLWithPath: pickle))
    #expect(try refusal(pickle).contains("import_mace.py"))
    let reference = folder.url.appendingPathComponent("reference.h5").path
    let file = try HDF5File(creating: reference)
    try file.setAttribute("format", "lr-mace-golden-1")
    try file.close()
    #expect(
      try refusal(reference).contains("imported by `python3 Tools/import_mace.py IN OUT.h5`, and so is this"))
    // A sound model keeps its meaning under any name.
    let renamed = try folder.write(try Golden.model(small).contents, name: "sound.model")
    #expect(try Model(contentsOf: renamed).hash == Golden.model(small).hash)
  }

  @Test func wordsOfAFileCannotSteerATerminal() throws {
    let folder = try ModelFolder()
    var contents = try Golden.model(small).contents
    contents["a\u{1B}[31mb"] = .number(1)
    #expect(try refusal(folder.write(contents)).contains("'a\\u{1B}[31mb' is not known"))
  }
}
