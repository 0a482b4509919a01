// Where a server listens, as a user writes it.

/// `HOST:PORT`, an IPv6 address in brackets; or `unix:NAME`, the socket /tmp/ipi_NAME, `unix:/PATH` for one elsewhere.
public enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
  case internet(host: String, port: UInt16)
  case unix(name: String)

  /// Why a text is no address.
  public struct Mistake: Error, Hashable {
    public let message: String
    public let help: String
  }

  /// What is taken, for messages.
  public static let words = "HOST:PORT, or unix:NAME for a socket of this machine"

  public init(_ text: String) throws(Mistake) {
    if text.hasPrefix("unix:") {
      let name = String(text.dropFirst(5))
      guard !name.isEmpty, name.first == "/" || !name.contains("/") else {
        throw Mistake(
          message: name.isEmpty ? "a socket without a name" : "`\(name)` is neither a name nor a whole path",
          help: "`unix:water` is the socket /tmp/ipi_water, `unix:/scratch/water` the one of that path")
      }
      self = .unix(name: name)
      guard path.utf8.count < Self.pathCapacity else {
        throw Mistake(
          message: "a socket's path of \(path.utf8.count) bytes",
          help: "the system takes fewer than \(Self.pathCapacity)")
      }
      return
    }
    guard let match = text.wholeMatch(of: /(?:\[([0-9A-Fa-f:.%A-Za-z]+)\]|([^\[\]:\/\s]+)):([0-9]{1,5})/),
      let host = match.1 ?? match.2, let port = UInt16(match.3), port > 0
    else {
      throw Mistake(
        message: "`\(text)` is not the address of a server",
        help: "write \(Self.words): `localhost:31415`, `[::1]:31415`, `unix:water`")
    }
    self = .internet(host: String(host), port: port)
  }

  public var description: String {
    switch self {
    case .internet(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let name): "unix:\(name)"
    }
  }

  /// Of the socket's file; empty for a host.
  var path: String {
    switch self {
    case .internet: ""
    case .unix(let name): name.first == "/" ? name : "/tmp/ipi_\(name)"
    }
  }

  /// Bytes of a path with the zero behind it: sun_path of Linux; macOS has four fewer.
  private static let pathCapacity = 104
}
