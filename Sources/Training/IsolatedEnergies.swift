// Energies of free atoms, E0: what a model adds for each atom before anything interacts. Given by the user, taken from frames
// of one atom, or fitted to the frames by least squares:
//
//   min over E0 of  sum_f [ (sum_s N_fs E0_s - E_f) / N_f ]^2          N_fs atoms of element s in frame f
//
// of which the solution of least norm is taken where several are as good: in data of one composition only a sum of E0 can be
// known, and any split of it gives the same model for that composition, and for no other.

import Diagnostics
import Foundation
import LRMACEModel
import Lattice

public struct IsolatedEnergies: Sendable, Equatable {
  public enum Source: Sendable, Hashable, CustomStringConvertible {
    case given
    /// Of the model to go on from.
    case model
    /// Frames of one atom, which then have nothing else to teach.
    case atoms
    /// Least squares over frames that know so many combinations of the elements.
    case fit(frames: Int, combinations: Int, elements: Int)

    public var description: String {
      switch self {
      case .given: "given"
      case .model: "of the model to go on from"
      case .atoms: "of the data's frames of one atom"
      case .fit(let frames, let combinations, let elements):
        "least squares over \(frames) frames"
          + (combinations == elements
            ? ""
            : ", which know \(combinations) of \(elements) combinations: the others are of least norm, and "
              + "another composition would need them")
      }
    }
  }

  /// By atomic number, eV.
  public var energies: [Int: Double]
  public var source: Source

  public init(energies: [Int: Double], source: Source) {
    self.energies = energies
    self.source = source
  }

  /// `H -13.6000, O -2041.8000 eV, given`.
  public var description: String {
    let values = energies.sorted { $0.key < $1.key }.map {
      "\(Elements.symbol($0.key) ?? "?") \(String(format: "%.4f", $0.value))"
    }
    return values.joined(separator: ", ") + " eV, \(source)"
  }

  /// Sum over the atoms of `system` in eV.
  public func sum(over system: AtomicSystem) -> Double {
    system.atomicNumbers.reduce(0) { $0 + (energies[$1] ?? 0) }
  }
}

extension LabelledData {
  /// Atomic numbers in the data, ascending.
  public var species: [Int] { Set(frames.flatMap(\.system.atomicNumbers)).sorted() }

  /// Energies of the free atoms among the frames, of which the first of each element counts; nil unless all elements of the
  /// data are among them.
  public var isolatedAtoms: IsolatedEnergies? {
    var energies: [Int: Double] = [:]
    for frame in frames where frame.isIsolatedAtom {
      let z = frame.system.atomicNumbers[0]
      if let energy = frame.labels.energy, energies[z] == nil { energies[z] = energy }
    }
    guard species.allSatisfy({ energies[$0] != nil }) else { return nil }
    return IsolatedEnergies(energies: energies, source: .atoms)
  }

  /// The least-squares fit to all frames with an energy.
  /// - Throws: `FileError` where no frame has one.
  public func fittedIsolatedEnergies() throws -> IsolatedEnergies {
    let species = species
    let labelled = frames.filter { $0.labels.energy != nil }
    guard !labelled.isEmpty else {
      throw FileError(
        file: files[0].path, "no frame has an energy to fit those of free atoms to",
        help: "give them: `isolated_energies: {H: -13.6 ...}`")
    }
    // Column by column: shares of the elements in each frame.
    let columns = species.map { z in
      labelled.map { frame in
        Double(frame.system.atomicNumbers.count { $0 == z }) / Double(frame.system.count)
      }
    }
    let targets = labelled.map { ($0.labels.energy ?? 0) / Double($0.system.count) }
    let (solution, rank) = leastNormSolution(columns: columns, targets: targets)
    return IsolatedEnergies(
      energies: Dictionary(uniqueKeysWithValues: zip(species, solution)),
      source: .fit(frames: labelled.count, combinations: rank, elements: species.count))
  }
}

/// min |A x - b| by the singular values of A, columns orthogonalised pairwise (Hestenes' one-sided Jacobi,
/// doi 10.1137/0106005): A V = U S, x = V S^-1 U^T b over the singular values above rounding.
/// - Returns: x, of least norm, and how many singular values counted.
func leastNormSolution(columns given: [[Double]], targets: [Double]) -> (x: [Double], rank: Int) {
  var columns = given
  let n = columns.count
  var v = (0..<n).map { i in (0..<n).map { $0 == i ? 1.0 : 0.0 } }  // v[j] is column j of V
  func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  func rotate(_ a: inout [[Double]], _ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    for i in a[p].indices {
      let (x, y) = (a[p][i], a[q][i])
      a[p][i] = c * x - s * y
      a[q][i] = s * x + c * y
    }
  }
  for _ in 0..<60 {
    var isDone = true
    for p in 0..<n {
      for q in p + 1..<max(n, p + 1) {
        let (alpha, beta) = (product(columns[p], columns[p]), product(columns[q], columns[q]))
        let gamma = product(columns[p], columns[q])
        guard abs(gamma) > 1e-15 * (alpha * beta).squareRoot() else { continue }
        isDone = false
        let zeta = (beta - alpha) / (2 * gamma)
        let t = (zeta >= 0 ? 1.0 : -1.0) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let c = 1 / (1 + t * t).squareRoot()
        rotate(&columns, p, q, c, c * t)
        rotate(&v, p, q, c, c * t)
      }
    }
    if isDone { break }
  }
  let squares = columns.map { product($0, $0) }
  let largest = squares.max() ?? 0
  var x = [Double](repeating: 0, count: n)
  var rank = 0
  for j in 0..<n where squares[j] > 1e-20 * largest {
    rank += 1
    let coefficient = product(columns[j], targets) / squares[j]
    for i in 0..<n { x[i] += coefficient * v[j][i] }
  }
  return (x, rank)
}
