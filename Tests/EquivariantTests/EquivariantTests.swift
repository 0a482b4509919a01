import Testing
@testable import Equivariant
