import Testing
@testable import Trajectory
