// The exponential moving average of parameters, which is what is validated and saved: its noise is that of 1/(1 - d) steps
// together, not of one. After step n
//
//   average <- d average + (1 - d) theta,     d = min(decay, (1 + n) / (10 + n))

public struct MovingAverage: Sendable, Hashable {
  /// 0 for no average: theta itself.
  public var decay: Double

  public init(decay: Double) { self.decay = decay }

  /// - Parameter step: n, 1 for the first.
  public func update(_ average: inout [Double], with parameters: [Double], step: Int64) {
    let n = Double(step)
    let d = min(decay, (1 + n) / (10 + n))
    average.withUnsafeMutableBufferPointer { average in
      parameters.withUnsafeBufferPointer { parameters in
        for i in average.indices { average[i] = d * average[i] + (1 - d) * parameters[i] }
      }
    }
  }
}
