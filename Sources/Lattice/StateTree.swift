// What the parts of a run keep for its next step: a tree of named values, in which each part has a group of its own. No
// part knows of files, and whoever writes a tree knows nothing of the parts. Numbers keep their bits.
//
//     var state: StateTree { ["bath_heat": .numbers([bathHeat])] }
//     mutating func restore(_ state: StateTree) throws {
//       bathHeat = try state.read { try $0.number("bath_heat") }
//     }

public struct StateTree: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  public enum Value: Hashable, Sendable {
    case integers([Int64])
    case numbers([Double])
    case vectors([Vector3])
    case text(String)
    case group(StateTree)

    public static func flags(_ flags: [Bool]) -> Value { .integers(flags.map { $0 ? 1 : 0 }) }
  }

  public var values: [String: Value]

  public init(_ values: [String: Value] = [:]) { self.values = values }

  public init(dictionaryLiteral elements: (String, Value)...) {
    values = Dictionary(uniqueKeysWithValues: elements)
  }

  /// Lets `body` ask for values by name.
  /// - Throws: `StateError` for what is missing or of another kind, and for what `body` did not ask for.
  public func read<Result>(_ body: (inout StateReader) throws -> Result) throws -> Result {
    var reader = StateReader(values)
    let result = try body(&reader)
    if let unknown = reader.unread.keys.min() { throw StateError(unknown, "is not known to this program") }
    return result
  }
}

/// Why a tree is not the state of the part that reads it.
public struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Names from the top of the tree: `/motion/bath_heat`.
  public let path: String
  public let reason: String

  public init(_ name: String, _ reason: String) {
    path = "/" + name
    self.reason = reason
  }

  private init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }

  /// Runs `body` on the group `name`, whose name its errors get in front of their own.
  public static func inside<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as StateError {
      throw StateError(path: "/\(name)\(error.path)", reason: error.reason)
    }
  }
}

/// The values of one group, each handed out by its name.
public struct StateReader {
  fileprivate private(set) var unread: [String: StateTree.Value]

  fileprivate init(_ values: [String: StateTree.Value]) { unread = values }

  /// Values that were not asked for yet.
  public var unreadCount: Int { unread.count }

  public mutating func integers(_ name: String, count: Int? = nil) throws -> [Int64] {
    guard case .integers(let values) = try take(name) else { throw StateError(name, "holds no integers") }
    return try values.counted(count, name)
  }

  public mutating func integer(_ name: String) throws -> Int64 { try integers(name, count: 1)[0] }

  public mutating func flags(_ name: String, count: Int? = nil) throws -> [Bool] {
    try integers(name, count: count).map { value in
      guard value == 0 || value == 1 else { throw StateError(name, "holds \(value), not 0 or 1") }
      return value == 1
    }
  }

  public mutating func numbers(_ name: String, count: Int? = nil) throws -> [Double] {
    guard case .numbers(let values) = try take(name) else {
      throw StateError(name, "holds no floating-point numbers")
    }
    return try values.counted(count, name)
  }

  public mutating func number(_ name: String) throws -> Double { try numbers(name, count: 1)[0] }

  public mutating func vectors(_ name: String, count: Int? = nil) throws -> [Vector3] {
    guard case .vectors(let values) = try take(name) else { throw StateError(name, "holds no vectors") }
    return try values.counted(count, name)
  }

  public mutating func text(_ name: String) throws -> String {
    guard case .text(let text) = try take(name) else { throw StateError(name, "holds no text") }
    return text
  }

  public mutating func group(_ name: String) throws -> StateTree {
    guard case .group(let tree) = try take(name) else { throw StateError(name, "is no group") }
    return tree
  }

  /// Lets `body` ask for the values of the group `name`, whose name errors carry.
  public mutating func readGroup<Result>(
    _ name: String, _ body: (inout StateReader) throws -> Result
  ) throws -> Result {
    let tree = try group(name)
    return try StateError.inside(name) { try tree.read(body) }
  }

  /// All values that were not asked for, for a group whose names are not fixed.
  public mutating func rest() -> [String: StateTree.Value] {
    defer { unread = [:] }
    return unread
  }

  private mutating func take(_ name: String) throws -> StateTree.Value {
    guard let value = unread.removeValue(forKey: name) else { throw StateError(name, "is missing") }
    return value
  }
}

extension Array {
  fileprivate func counted(_ expected: Int?, _ name: String) throws -> [Element] {
    guard let expected, count != expected else { return self }
    throw StateError(name, "holds \(count) values, not \(expected)")
  }
}
