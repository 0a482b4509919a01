import Testing
@testable import Reciprocal
