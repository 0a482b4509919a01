// Autocorrelation sums of long series by Fourier transforms (Wiener and Khinchin), O(T log T):
//
//   c(m) = sum_{k < T - m} x(k) x(k + m),        0 <= m < T
//
// A series is followed by as many zeros, so that its end does not meet its beginning. Spectra |X|^2 of many series are added up
// before the one transform that leads back. The way FFTW takes is estimated, not timed: the same bits on every run.

import CFFTW

/// Transforms for series of one length. May be used from many threads at a time, each with memory of its own.
public final class Autocorrelation: Sendable {
  /// T.
  public let length: Int
  private let padded: Int
  private nonisolated(unsafe) let forward: OpaquePointer
  private nonisolated(unsafe) let backward: OpaquePointer

  /// Frequencies of a spectrum.
  public var spectrumCount: Int { padded / 2 + 1 }

  public init(length: Int) {
    precondition(length > 0)
    self.length = length
    padded = efficientLength(atLeast: 2 * length)
    var series = [Double](repeating: 0, count: padded)
    var spectrum = [fftw_complex](repeating: (0, 0), count: padded / 2 + 1)
    let flags = FFTW_ESTIMATE | FFTW_UNALIGNED
    let plans = FourierPlanner.alone { [padded] in
      (
        fftw_plan_dft_r2c_1d(Int32(padded), &series, &spectrum, flags),
        fftw_plan_dft_c2r_1d(Int32(padded), &spectrum, &series, flags)
      )
    }
    // FFTW has a way for every length.
    guard let forward = plans.0, let backward = plans.1 else {
      preconditionFailure("no transform of \(padded)")
    }
    (self.forward, self.backward) = (forward, backward)
  }

  deinit {
    FourierPlanner.alone {
      fftw_destroy_plan(forward)
      fftw_destroy_plan(backward)
    }
  }

  /// Adds |X|^2 of one series to a spectrum.
  /// - Precondition: `length` values, `spectrumCount` frequencies.
  public func addPower(of series: [Double], to power: inout [Double]) {
    precondition(series.count == length && power.count == spectrumCount)
    var padded = series + [Double](repeating: 0, count: padded - length)
    var spectrum = [fftw_complex](repeating: (0, 0), count: spectrumCount)
    fftw_execute_dft_r2c(forward, &padded, &spectrum)
    for n in power.indices { power[n] += spectrum[n].0 * spectrum[n].0 + spectrum[n].1 * spectrum[n].1 }
  }

  /// c of the series whose spectra were added up: [T].
  public func sums(ofPower power: [Double]) -> [Double] {
    precondition(power.count == spectrumCount)
    var spectrum = power.map { ($0, 0.0) }
    var sums = [Double](repeating: 0, count: padded)
    fftw_execute_dft_c2r(backward, &spectrum, &sums)
    return sums.prefix(length).map { $0 / Double(padded) }
  }
}
