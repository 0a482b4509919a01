// Sources of dispersion beside the charges of an energy (Model.ConservedSources.Dispersion), and the adjoint:
//   Y = ybar[element] + hn W_y,   psi = G6 Y                    the sum in Reciprocal, as one more column
//   E_m = -1/2 Y_m psi_m,         dE/dY = -psi, and by h0 through hn W_y
// Shapes: Y, psi [atom]; hn W_y and dE/dY in rows of whole lanes, [atom][width], for the products. eV^1/2 Angstrom^3.

import Kernels
import LRMACEModel

final class DispersionSources<T: KernelScalar> {
  /// ybar, or Y where features depend on the element alone.
  private let constants: [T]
  private let elements: Int
  /// hn W_y of later layers.
  private let projection: ScalarProjection<T>?
  private let width = T.wholeLanes(1)
  private var species: [Int] = []
  let y = Workspace<T>()
  let psi = Workspace<T>()
  private let gradient = Workspace<T>()

  init(
    _ dispersion: Model.ConservedSources.Dispersion, ofElements values: [Double]?, at place: LongRangePlace<T>
  ) {
    constants = (values ?? dispersion.constants).map { T($0) }
    elements = constants.count
    projection =
      values == nil
      ? ScalarProjection(
        [dispersion.features], normalised: 1, width: width, channels: place.channels,
        paddedChannels: place.paddedChannels) : nil
  }

  func prepare(_ rows: AtomRows) {
    let atoms = rows.own
    if !species.elementsEqual(rows.species[..<atoms]) { species = Array(rows.species[..<atoms]) }
    for buffer in [y, psi] { buffer.reserve(atoms) }
    gradient.reserve(atoms * width)
    gradient.fill(0, count: atoms * width)
    projection?.reserve(atoms)
  }

  func forward(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    projection?.forward(h0, range)
    for i in range { y.pointer[i] = constants[species[i]] + (projection?.row(i).pointee ?? 0) }
  }

  func energy(of i: Int) -> Double { -0.5 * Double(y.pointer[i]) * Double(psi.pointer[i]) }

  /// Adds to dE/dh0.
  func adjoint(_ h0: UnsafePointer<T>, gradient inputGradient: UnsafeMutablePointer<T>, _ range: Range<Int>) {
    guard let projection else { return }
    for i in range { gradient.pointer[i * width] = -psi.pointer[i] }
    let rows = UnsafePointer(gradient.pointer)
    projection.adjoint([rows, rows, rows], h0, gradient: inputGradient, range)
  }

  func addWeightGradients(_ h0: UnsafePointer<T>, atoms: Int, to sums: WeightSums<T>) {
    var ofConstants = [Double](repeating: 0, count: elements)
    for i in 0..<atoms { ofConstants[species[i]] -= Double(psi.pointer[i]) }
    sums.add("conserved/dispersion/ybar", ofConstants)
    projection?.addWeightGradients(["conserved/dispersion/W_y"], h0, atoms: atoms, to: sums)
  }
}
