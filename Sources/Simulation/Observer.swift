// What watches a motion: trajectory, log, progress. The run loop knows observers by this alone.

import Dynamics
import Lattice

public protocol Observer: AnyObject {
  /// Under which a checkpoint keeps its state.
  var name: String { get }
  /// Steps between two observations.
  var interval: Int { get }

  /// Whether it wants to see the frame of `step`. Asked after every step, so that frames are made only for who looks.
  func isDue(at step: Int64) -> Bool
  func observe(_ frame: Frame) throws

  /// Brings to the disk all that was observed, and says what of it a checkpoint may count on: a run that goes on drops
  /// what follows. Nil where nothing is kept.
  func state() throws -> StateTree?

  /// The run has ended, well or not. May be called twice.
  func close() throws
}

extension Observer {
  public func isDue(at step: Int64) -> Bool { step.isMultiple(of: Int64(interval)) }
}
