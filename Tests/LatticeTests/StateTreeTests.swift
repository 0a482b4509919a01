// What a part of a run keeps comes back as it was, or is refused by its name.

import Testing

@testable import Lattice

private let tree: StateTree = [
  "step": .integers([7]), "flags": .flags([true, false]), "heat": .numbers([-0.0]),
  "places": .vectors([[1, 2, 3]]), "name": .text("chain"), "inner": .group(["heat": .numbers([1, 2])]),
]

/// How `body` fails.
private func words(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch { return "\(error)" }
}

@Test func valuesAreReadByNameAndKind() throws {
  let (step, flags, heat) = try tree.read {
    let values = try ($0.integer("step"), $0.flags("flags", count: 2), $0.number("heat"))
    _ = $0.rest()
    return values
  }
  #expect(step == 7 && flags == [true, false] && heat.sign == .minus)
  let (places, name, inner) = try tree.read {
    let values = try ($0.vectors("places"), $0.text("name"), $0.group("inner"))
    _ = $0.rest()
    return values
  }
  #expect(places == [[1, 2, 3]] && name == "chain")
  #expect(try inner.read { try $0.numbers("heat") } == [1, 2])
}

@Test func whatDoesNotFitIsNamed() {
  #expect(words { try tree.read { _ = try $0.number("cold") } } == "/cold: is missing")
  #expect(words { try tree.read { _ = try $0.number("step") } } == "/step: holds no floating-point numbers")
  #expect(words { try tree.read { _ = try $0.integer("flags") } } == "/flags: holds 2 values, not 1")
  #expect(words { try tree.read { _ = try $0.flags("step") } } == "/step: holds 7, not 0 or 1")
  #expect(words { try tree.read { _ = try $0.group("heat") } } == "/heat: is no group")
}

@Test func whatNobodyAskedForIsRefused() throws {
  #expect(words { try tree.read { _ = try $0.integer("step") } } == "/flags: is not known to this program")
  #expect(try tree.read { $0.rest().count } == 6)
  let inner = words {
    try tree.read { tree in
      let group = try tree.group("inner")
      try StateError.inside("motion") { try StateError.inside("inner") { try group.read { _ in } } }
    }
  }
  #expect(inner == "/motion/inner/heat: is not known to this program")
}
