import Testing
@testable import LRMACE
