// What a person sees of a training, for any number that a training can bring forth.

import Page
import Testing

@testable import Training

@Suite struct ReportTests {
  private static let numbers: [[Double]] = [
    [1e-9], [2e-9, 2e-9], [0], [0, 0, 1], [-1, 2], [1e-320, 1], [1e-300, 1e-200], [1e308, 1], [.infinity, 1],
    [.nan], [.nan, 3, 3], [-.infinity, .greatestFiniteMagnitude], [1, 1.0.nextUp], [],
  ]

  @Test(arguments: numbers, [false, true])
  func picturesAreDrawnOfAnyNumbers(_ y: [Double], _ isLogarithmic: Bool) {
    for isParity in [false, true] where !(isParity && isLogarithmic) {
      for shape in [Plot.Series.Shape.line, .points] {
        let x = isParity ? y : y.indices.map(Double.init)
        let svg = Plot(
          title: "t", xLabel: "x", yLabel: "y", isLogarithmic: isLogarithmic, isParity: isParity,
          series: [.init(name: "a", shape: shape, style: .quiet, x: x, y: y)]
        ).svg
        #expect(!svg.contains("nan") && !svg.contains("inf"), "\(svg)")
        let isEmpty = !y.contains { abs($0) < 1e100 && (!isLogarithmic || $0 > 1e-100) }
        #expect(svg.contains("nothing to draw") == isEmpty)
      }
    }
  }

  @Test(arguments: [0, 1.465e-12, 1.23456e-4, 0.123456, 12.3456, 12345.6, 1.23e9, 1e200])
  func columnsOfTheTableDoNotTouch(_ value: Double) {
    var sums = ErrorSums()
    for _ in 0..<2 {
      sums.energy.add(value)
      sums.forces.add(value)
      sums.stress.add(value)
    }
    for hasStress in [false, true] {
      let row = TrainingTable.row(
        EpochRecord(
          epoch: 12345, step: 1, rate: 1e-3, loss: value, train: sums, validLoss: value, valid: sums),
        hasStress: hasStress, isBest: true, left: "1:00:00")
      #expect(row.split(separator: " ").count == (hasStress ? 17 : 13), "\(row)")
    }
  }
}
