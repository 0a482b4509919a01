// What a command line or a checkpoint puts in the place of a deck's value.

import Yams

public enum DeckValue: Sendable, Hashable, ExpressibleByStringInterpolation {
  case text(String)
  case list([String])

  public init(stringLiteral value: String) { self = .text(value) }

  var node: Node {
    switch self {
    case .text(let text): Node(text)
    case .list(let texts): Node(texts.map { Node($0) })
    }
  }
}
