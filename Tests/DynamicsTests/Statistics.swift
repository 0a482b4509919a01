// Averages of correlated samples with their standard errors.

/// Mean of a time series by blocks: the standard error of the mean is that of the block means, which are
/// independent where a block is much longer than the correlation time.
struct BlockAverage {
  private let blockLength: Int
  private var filled = 0
  private var sum = 0.0
  private var blocks: [Double] = []

  init(blockLength: Int) { self.blockLength = blockLength }

  mutating func add(_ sample: Double) {
    sum += sample
    filled += 1
    if filled == blockLength {
      blocks.append(sum / Double(blockLength))
      (sum, filled) = (0, 0)
    }
  }

  var mean: Double { blocks.reduce(0, +) / Double(blocks.count) }

  var standardError: Double {
    let mean = mean
    let n = Double(blocks.count)
    return (blocks.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n * (n - 1))).squareRoot()
  }
}

func rootMeanSquareFluctuation(_ samples: [Double]) -> Double {
  let mean = samples.reduce(0, +) / Double(samples.count)
  return (samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count)).squareRoot()
}
