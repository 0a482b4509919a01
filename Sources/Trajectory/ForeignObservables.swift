// Numbers of a frame in H5MD of other programs: the group `observables`, in it elements and groups of elements
//
//   observables/NAME          value[t], step, unit
//   observables/GROUP/NAME    the same
//
// They may be written at other steps than positions, and are then found by the step. Units are those of the file.

import HDF5

/// A number of every frame that has positions.
struct ForeignObservable {
  /// `NAME` or `GROUP/NAME`.
  let name: String
  /// `1` where the file has none.
  let unit: String
  /// By frame.
  let values: [Double]

  /// Numbers that Bloch computes with where a frame has them, by the beginnings of their names, and their units.
  private static let own = [("temperature", "K"), ("pressure_", "bar")]

  /// - Parameters:
  ///   - position: the element that has the frames, `frames` of them.
  ///   - warnings: gets words about what is left out; elements that are no number of a frame are so without.
  /// - Throws: `HDF5Error` for a file that cannot be read.
  static func all(
    in file: HDF5File, position: String, frames: Int, warnings: inout [String]
  ) throws -> [ForeignObservable] {
    guard try file.isGroup("/observables") else { return [] }
    let steps = try steps(of: position, count: frames, in: file)
    var found: [ForeignObservable] = []
    for name in try names(in: file) {
      let element = "/observables/\(name)"
      do {
        let shape = try file.shape(of: "\(element)/value")
        guard let count = shape.first, shape.dropFirst().allSatisfy({ $0 == 1 }),
          try file.content(of: "\(element)/value") != .text
        else { continue }
        guard let rows = try rows(of: element, count: count, at: steps, frames: frames, in: file) else {
          warnings.append("\(element) has not a value for every frame and is left out")
          continue
        }
        let place = "\(element)/value"
        let text = try file.hasAttribute("unit", at: place) ? file.stringAttribute("unit", at: place) : ""
        let unit = text.isEmpty ? "1" : text
        if let expected = own.first(where: { name.hasPrefix($0.0) })?.1, unit != expected {
          warnings.append("\(element) is in `\(unit)`, not in \(expected), and is left out")
          continue
        }
        let values = try file.readDoubles(place).values
        found.append(ForeignObservable(name: name, unit: unit, values: rows.map { values[$0] }))
      } catch let error as HDF5Error { warnings.append("\(element) is left out: \(error.reason)") }
    }
    return found
  }

  private static func names(in file: HDF5File) throws -> [String] {
    try file.children(of: "/observables").flatMap { child in
      let path = "/observables/\(child)"
      guard try file.isGroup(path) else { return [String]() }
      if try file.exists("\(path)/value") { return [child] }
      return try file.children(of: path).filter { try file.exists("\(path)/\($0)/value") }.map {
        "\(child)/\($0)"
      }
    }
  }

  /// Row of each frame; nil where one has none.
  private static func rows(
    of element: String, count: Int, at steps: [Double]?, frames: Int, in file: HDF5File
  ) throws -> [Int]? {
    guard let steps, let own = try Self.steps(of: element, count: count, in: file) else {
      return count == frames ? Array(0..<frames) : nil
    }
    let places = Dictionary(own.enumerated().map { ($1, $0) }) { first, _ in first }
    let rows = steps.compactMap { places[$0] }
    return rows.count == frames ? rows : nil
  }

  /// One for each value, or an increment; nil where there are none.
  private static func steps(of element: String, count: Int, in file: HDF5File) throws -> [Double]? {
    let path = "\(element)/step"
    guard try file.exists(path), try !file.isGroup(path) else { return nil }
    let (values, shape) = try file.readDoubles(path)
    if shape.isEmpty {
      let offset = try file.hasAttribute("offset", at: path) ? file.doubleAttribute("offset", at: path) : 0
      return (0..<count).map { offset + values[0] * Double($0) }
    }
    return values.count == count ? values : nil
  }
}
