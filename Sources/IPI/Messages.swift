// What goes over the wire. A message is a header of twelve bytes, upper case, padded with blanks, and what belongs to it, in
// the machine's own byte order: 4-byte integers, 8-byte floats (Kapil et al, doi 10.1016/j.cpc.2018.09.020; Ceriotti,
// More, Manolopoulos, doi 10.1016/j.cpc.2013.10.027; i-PI 3.3, ipi/interfaces/sockets.py).
//
//   server       client
//   STATUS       NEEDINIT, READY or HAVEDATA
//   INIT         -            replica int32, length int32, text
//   POSDATA      -            h [3, 3], h^-1 [3, 3], atoms int32, positions [atoms, 3]
//   GETFORCE     FORCEREADY   energy, atoms int32, forces [atoms, 3], virial [3, 3], length int32, text
//   EXIT         -
//
// h has the lattice vectors as columns, row after row: h = A^T. The virial is -dE/d(strain), symmetric.

import Lattice

/// The first word of a message.
enum Header: String, CaseIterable {
  case status = "STATUS"
  case needInit = "NEEDINIT"
  case ready = "READY"
  case haveData = "HAVEDATA"
  case initialize = "INIT"
  case positions = "POSDATA"
  case getForce = "GETFORCE"
  case forceReady = "FORCEREADY"
  case exit = "EXIT"

  static let length = 12

  /// Nil for bytes that are no header.
  init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self).uppercased()
    self.init(rawValue: String(text.prefix { $0 != " " }))
  }

  var bytes: [UInt8] {
    let text = Array(rawValue.utf8)
    return text + Array(repeating: UInt8(ascii: " "), count: Self.length - text.count)
  }
}

/// A configuration that a server wants forces of.
public struct Request: Sendable {
  /// Rows are the lattice vectors, Angstrom, as they came: zero where the server knows no cell.
  public let cell: Matrix3
  /// [atoms], Angstrom, wrapped or not.
  public let positions: [Vector3]
}

/// What it gets.
public struct Answer: Sendable {
  /// In eV.
  public var energy: Double
  /// [atoms], eV/Angstrom.
  public var forces: [Vector3]
  /// -dE/d(strain) = -V stress, in eV.
  public var virial: Matrix3
  /// JSON; i-PI prints its entries, ASE keeps the text.
  public var extras: String

  public init(energy: Double, forces: [Vector3], virial: Matrix3, extras: String) {
    self.energy = energy
    self.forces = forces
    self.virial = virial
    self.extras = extras
  }

  /// FORCEREADY and all that belongs to it.
  var bytes: [UInt8] {
    var bytes = Header.forceReady.bytes
    bytes.reserveCapacity(128 + 24 * forces.count + extras.utf8.count)
    bytes.append(energy / AtomicUnits.hartree)
    bytes.append(Int32(clamping: forces.count))
    for force in forces { bytes.append(force * (AtomicUnits.bohr / AtomicUnits.hartree)) }
    for row in 0..<3 { bytes.append(virial.transposed[row] / AtomicUnits.hartree) }
    bytes.append(Int32(clamping: extras.utf8.count))
    return bytes + Array(extras.utf8)
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ number: some BitwiseCopyable) {
    Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
  }

  fileprivate mutating func append(_ v: Vector3) { for axis in 0..<3 { append(v[axis]) } }
}
