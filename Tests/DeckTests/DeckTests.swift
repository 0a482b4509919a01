import Testing
@testable import Deck
