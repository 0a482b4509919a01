// Where a series has come to equilibrium (Chodera, doi:10.1021/acs.jctc.5b00784): the start t0 that leaves most effective
// samples, n_eff = (n - t0) / g(t0).

public enum Equilibration {
  /// Starts that are tried.
  private static let trials = 50

  /// The index of the first value that counts; 0 of a series that is level from the beginning, or too short to say.
  public static func start(of series: [Double]) -> Int {
    guard series.count >= 2 * trials else { return 0 }
    var best = (start: 0, effective: 0.0)
    for trial in 0..<trials {
      // The last tenth says nothing about the rest.
      let start = series.count * 9 / 10 * trial / trials
      let effective = BlockedMean(Array(series[start...])).effectiveCount
      if effective > best.effective { best = (start, effective) }
    }
    return best.start
  }
}
