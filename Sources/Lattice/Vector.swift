// Vectors in space and 3 x 3 matrices. Vectors are rows: v A, so that r = f A for a cell A.

public typealias Vector3 = SIMD3<Double>

/// Three row vectors; element (i, j) is `rows[i][j]`.
public struct Matrix3: Sendable, Hashable, BitwiseCopyable {
  public var x: Vector3
  public var y: Vector3
  public var z: Vector3

  public init(_ x: Vector3, _ y: Vector3, _ z: Vector3) {
    self.x = x
    self.y = y
    self.z = z
  }

  public static let zero = Matrix3(.zero, .zero, .zero)
  public static let identity = Matrix3([1, 0, 0], [0, 1, 0], [0, 0, 1])

  @inlinable
  public subscript(row: Int) -> Vector3 {
    get { row == 0 ? x : row == 1 ? y : z }
    set {
      switch row {
      case 0: x = newValue
      case 1: y = newValue
      default: z = newValue
      }
    }
  }

  public var transposed: Matrix3 {
    Matrix3([x.x, y.x, z.x], [x.y, y.y, z.y], [x.z, y.z, z.z])
  }

  public var determinant: Double { dot(x, cross(y, z)) }
  public var trace: Double { x.x + y.y + z.z }

  /// A^-1; the caller makes sure that the determinant is not zero.
  public var inverse: Matrix3 {
    let d = 1 / determinant
    return Matrix3(cross(y, z) * d, cross(z, x) * d, cross(x, y) * d).transposed
  }

  /// Row vector times matrix, v A.
  @inlinable
  public static func * (v: Vector3, a: Matrix3) -> Vector3 { v.x * a.x + v.y * a.y + v.z * a.z }

  public static func * (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x * b, a.y * b, a.z * b) }
  public static func * (a: Matrix3, s: Double) -> Matrix3 { Matrix3(a.x * s, a.y * s, a.z * s) }
  public static func + (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x + b.x, a.y + b.y, a.z + b.z) }
  public static func - (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x - b.x, a.y - b.y, a.z - b.z) }
  public static func += (a: inout Matrix3, b: Matrix3) { a = a + b }
}

/// The sum of a_ij b_ij, a : b.
public func doubleDot(_ a: Matrix3, _ b: Matrix3) -> Double { (a.x * b.x + a.y * b.y + a.z * b.z).sum() }

@inlinable
public func dot(_ a: Vector3, _ b: Vector3) -> Double { (a * b).sum() }

@inlinable
public func cross(_ a: Vector3, _ b: Vector3) -> Vector3 {
  Vector3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

/// |v|.
@inlinable
public func length(_ v: Vector3) -> Double { dot(v, v).squareRoot() }
