// The keys of a service, forces for another program: the group `serve`.

import IPI
import Yams

extension Deck {
  public struct Service: Sendable, Hashable {
    /// Nil where the command line is to name it.
    public let address: ServerAddress?
    /// Seconds to wait for a server; nil for ever.
    public let patience: Double?
    /// Whether to look for another server when one has ended.
    public let reconnects: Bool
  }
}

extension DeckReader {
  /// Nil in a deck of another kind.
  mutating func service() -> Deck.Service? {
    section = [.serve]
    let address = serverAddress(
      "serve.ipi", help: "Address of the i-PI server, unless the command line names it (`--ipi`).")
    let wait = quantity(
      "serve.wait", .duration, 0...1e7, default: "5 min",
      help: "How long to try to reach a server that is not there yet; `0 s` for ever.")
    let reconnects = flag(
      "serve.reconnect", default: "false",
      help: "When a server has ended, wait for another one instead of ending, too.")
    guard kind == .serve else { return nil }
    return Deck.Service(address: address, patience: wait == 0 ? nil : wait, reconnects: reconnects)
  }

  /// Nil for the word `none`.
  private mutating func serverAddress(_ path: String, help: String) -> ServerAddress? {
    let takes = "`none`, or an address such as localhost:31415"
    return key(path, takes: takes, default: "none", help: help, standIn: nil) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      guard text != "none" else { return (nil, text) }
      do throws(ServerAddress.Mistake) { return (try ServerAddress(text), quoted(text)) } catch {
        throw Mistake(message: error.message, help: error.help)
      }
    }
  }
}
