// Pictures of a report as inline SVG: axes with round numbers, lines, clouds of points. Nothing is fetched and nothing runs.

import Foundation

/// One picture with its axes.
public struct Plot: Sendable {
  /// Drawn in the order in which they are given, the later ones above.
  public struct Series: Sendable {
    public enum Shape: Sendable { case line, points }
    /// Colours of the page.
    public enum Style: String, Sendable { case quiet, strong, warm }
    let name: String
    let shape: Shape
    let style: Style
    let x: [Double]
    let y: [Double]

    public init(name: String, shape: Shape = .line, style: Style, x: [Double], y: [Double]) {
      (self.name, self.shape, self.style, self.x, self.y) = (name, shape, style, x, y)
    }
  }

  let title: String
  let xLabel: String
  let yLabel: String
  let isLogarithmic: Bool
  let isParity: Bool
  let shaded: Double?
  let series: [Series]

  /// - Parameters:
  ///   - isLogarithmic: of the ordinate.
  ///   - isParity: whether both axes have one scale, with the diagonal drawn.
  ///   - shaded: the abscissa up to which the picture is shaded.
  public init(
    title: String, xLabel: String, yLabel: String, isLogarithmic: Bool = false, isParity: Bool = false,
    shaded: Double? = nil, series: [Series]
  ) {
    (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    (self.isLogarithmic, self.isParity, self.shaded, self.series) = (isLogarithmic, isParity, shaded, series)
  }

  private static let (width, height) = (340.0, 260.0)
  private static let (left, right, top, bottom) = (58.0, 12.0, 26.0, 42.0)

  /// The element `<svg>`; a note where there is nothing to draw.
  public var svg: String {
    let xs = series.flatMap(\.x)
    let ys = series.flatMap(\.y).filter(isOnAxis)
    guard var xRange = Self.range(of: xs), var yRange = Self.range(of: ys) else {
      return "<p class=\"none\">\(escaped(title)): nothing to draw</p>"
    }
    if isLogarithmic {
      let least = Scale.round(yRange.lowerBound, up: false)
      yRange = least...max(2 * least, Scale.round(yRange.upperBound, up: true))
    }
    if isParity {
      let all = min(xRange.lowerBound, yRange.lowerBound)...max(xRange.upperBound, yRange.upperBound)
      (xRange, yRange) = (all, all)
    }
    let scaleX = Scale(xRange, from: Self.left, to: Self.width - Self.right, isLogarithmic: false)
    let scaleY = Scale(
      yRange, from: Self.height - Self.bottom, to: Self.top, isLogarithmic: isLogarithmic)
    var parts = [
      "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(escaped(title))\">",
      text(title, x: Self.left, y: 15, style: "title"),
    ]
    if let shaded, shaded > xRange.lowerBound {
      let width = max(0, scaleX(min(shaded, xRange.upperBound)) - Self.left)
      parts.append(
        "<rect class=\"shaded\" x=\"\(number(Self.left))\" y=\"\(number(Self.top))\" width=\"\(number(width))\" "
          + "height=\"\(number(Self.height - Self.bottom - Self.top))\"/>")
    }
    parts += axes(scaleX, scaleY)
    if isParity {
      parts.append(
        line(
          [xRange.lowerBound, xRange.upperBound], [xRange.lowerBound, xRange.upperBound], scaleX, scaleY,
          "diagonal"))
    }
    for one in series {
      switch one.shape {
      case .line: parts.append(line(one.x, one.y, scaleX, scaleY, one.style.rawValue))
      case .points: parts.append(points(one, scaleX, scaleY))
      }
    }
    parts += legend
    return (parts + ["</svg>"]).joined(separator: "\n")
  }

  /// Whether there is a place for a value: axes end where arithmetic on their ends would.
  private static func isDrawable(_ value: Double) -> Bool { abs(value) < 1e100 }

  private func isOnAxis(_ y: Double) -> Bool { Self.isDrawable(y) && (!isLogarithmic || y > 1e-100) }

  /// Not empty, and wider than nothing; of positive values positive.
  private static func range(of values: [Double]) -> ClosedRange<Double>? {
    let drawable = values.filter(isDrawable)
    guard let least = drawable.min(), let largest = drawable.max() else { return nil }
    if least < largest { return least...largest }
    let margin = least == 0 ? 1e-9 : abs(least) * 0.1
    return (least - margin)...(largest + margin)
  }

  // MARK: - Parts

  private func axes(_ x: Scale, _ y: Scale) -> [String] {
    var parts: [String] = []
    for tick in x.ticks {
      let place = x(tick)
      parts.append(segment(place, Self.top, place, Self.height - Self.bottom, "grid"))
      parts.append(text(label(tick), x: place, y: Self.height - Self.bottom + 14, style: "tick middle"))
    }
    for tick in y.ticks {
      let place = y(tick)
      parts.append(segment(Self.left, place, Self.width - Self.right, place, "grid"))
      parts.append(text(label(tick), x: Self.left - 5, y: place + 3, style: "tick end"))
    }
    parts.append(
      text(
        xLabel, x: (Self.left + Self.width - Self.right) / 2, y: Self.height - 8, style: "label middle"))
    let middle = (Self.top + Self.height - Self.bottom) / 2
    parts.append(
      "<text class=\"label middle\" transform=\"translate(13 \(number(middle))) rotate(-90)\">\(escaped(yLabel))</text>"
    )
    return parts
  }

  private var legend: [String] {
    let named = series.filter { !$0.name.isEmpty }
    guard named.count > 1 else { return [] }
    // Where there is least: curves fall, and points lie along the diagonal.
    let x = isParity ? Self.left + 8 : Self.width - 96
    return named.enumerated().flatMap { n, one in
      let y = Self.top + 12 + 13 * Double(n)
      return [
        segment(x, y - 3, x + 14, y - 3, one.style.rawValue + " key"),
        text(one.name, x: x + 18, y: y, style: "tick"),
      ]
    }
  }

  private func line(_ x: [Double], _ y: [Double], _ scaleX: Scale, _ scaleY: Scale, _ style: String) -> String
  {
    let places = drawable(x, y).map { "\(number(scaleX($0))),\(number(scaleY($1)))" }
    return "<polyline class=\"\(style)\" points=\"\(places.joined(separator: " "))\"/>"
  }

  /// One path of dots: a tenth of the bytes of as many circles.
  private func points(_ series: Series, _ x: Scale, _ y: Scale) -> String {
    let dots = drawable(series.x, series.y).map { "M\(number(x($0))) \(number(y($1)))h0" }
    return "<path class=\"dots \(series.style.rawValue)\" d=\"\(dots.joined())\"/>"
  }

  /// The pairs that have a place.
  private func drawable(_ x: [Double], _ y: [Double]) -> [(Double, Double)] {
    zip(x, y).filter { Self.isDrawable($0) && isOnAxis($1) }
  }

  private func segment(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
    "<path class=\"\(style)\" d=\"M\(number(x1)) \(number(y1))L\(number(x2)) \(number(y2))\"/>"
  }

  private func text(_ text: String, x: Double, y: Double, style: String) -> String {
    "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\">\(escaped(text))</text>"
  }

  private func number(_ value: Double) -> String { String(format: "%.1f", value) }

  private func label(_ value: Double) -> String {
    value == 0 || (1e-3..<1e5).contains(abs(value))
      ? String(format: "%.6g", value) : String(format: "%.0e", value)
  }
}

/// Numbers to places.
private struct Scale {
  private let range: ClosedRange<Double>
  private let (from, to): (Double, Double)
  private let isLogarithmic: Bool

  init(_ range: ClosedRange<Double>, from: Double, to: Double, isLogarithmic: Bool) {
    self.range = range
    (self.from, self.to) = (from, to)
    self.isLogarithmic = isLogarithmic
  }

  func callAsFunction(_ value: Double) -> Double {
    let part =
      isLogarithmic
      ? log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
      : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return from + (to - from) * part
  }

  /// The next of 1, 2, 5 times a power of ten.
  static func round(_ value: Double, up: Bool) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    let steps = [1, 2, 5, 10].map { $0 * power }
    // Within rounding a number is itself.
    return up
      ? steps.first { $0 > value * (1 - 1e-9) } ?? 10 * power
      : steps.last { $0 < value * (1 + 1e-9) } ?? power
  }

  /// Round numbers: powers of ten, with 2 and 5 times these within two decades, or four to eight equal steps.
  var ticks: [Double] {
    if isLogarithmic {
      let first = Int(log10(range.lowerBound).rounded(.down))
      let last = Int(log10(range.upperBound).rounded(.up))
      let factors: [Double] = range.upperBound / range.lowerBound < 150 ? [1, 2, 5] : [1]
      let all = (first...max(first, last)).flatMap { (decade: Int) -> [Double] in
        let power = pow(10, Double(decade))
        return factors.map { $0 * power }
      }
      let (least, largest) = (range.lowerBound * (1 - 1e-9), range.upperBound * (1 + 1e-9))
      return all.filter { $0 > least && $0 < largest }
    }
    let raw = (range.upperBound - range.lowerBound) / 5
    let power = pow(10, log10(raw).rounded(.down))
    let step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10)
    let first = Int((range.lowerBound / step).rounded(.up))
    let last = Int((range.upperBound / step).rounded(.down))
    return first <= last ? (first...last).map { Double($0) * step } : []
  }
}

/// Text as HTML shows it.
public func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}
