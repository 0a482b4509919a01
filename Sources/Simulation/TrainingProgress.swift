// How far a training is, in one line:
//
//   epoch 12/300   frame 84/270   loss 0.0512   rate 4.9e-03   1:02:13 left

import Foundation

public struct TrainingProgress: Sendable, CustomStringConvertible {
  /// The present epoch, from 1, and the last.
  public let epoch: Int
  public let lastEpoch: Int
  public let frame: Int
  public let frames: Int
  /// Of the last batch.
  public let loss: Double
  public let rate: Double
  /// Seconds to the last epoch; nil before anything is known of them.
  public let secondsLeft: Double?

  public var description: String {
    var fields = [
      "epoch \(epoch)/\(lastEpoch)", "frame \(frame)/\(frames)", String(format: "loss %.4g", loss),
      String(format: "rate %.1e", rate),
    ]
    if let secondsLeft { fields.append(clock(secondsLeft) + " left") }
    return fields.joined(separator: "   ")
  }
}
