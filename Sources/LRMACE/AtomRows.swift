// The atoms of a step, row by row: those of this process or rank, sorted by element, then copies of other ranks' atoms.

struct AtomRows {
  /// Element of every row, as an index into the model's: ascending among the own atoms.
  let species: [Int]
  /// Atoms of this rank.
  let own: Int
  /// Atoms of each element of the model in the whole system.
  let composition: [Int]

  /// Those of one process: all of a system.
  init(species: [Int], elements: Int) {
    self.species = species
    own = species.count
    composition = (0..<elements).map { z in species.count { $0 == z } }
  }

  init(species: [Int], own: Int, composition: [Int]) {
    (self.species, self.own, self.composition) = (species, own, composition)
  }

  var count: Int { species.count }
  /// Atoms of all ranks.
  var total: Int { composition.reduce(0, +) }
  /// Elements of the whole system, ascending.
  var elements: [Int] { composition.indices.filter { composition[$0] > 0 } }

  /// Own atoms of an element.
  func ownAtoms(of element: Int) -> Range<Int> {
    let own = species[..<own]
    let first = own.firstIndex { $0 >= element } ?? own.endIndex
    let end = own.firstIndex { $0 > element } ?? own.endIndex
    return first..<end
  }
}
