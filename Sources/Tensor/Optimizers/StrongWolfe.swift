/// A line search whose step fulfils the strong Wolfe conditions: the loss falls by at least `c1` of what the
/// slope promised, and at most `c2` of the slope is left (Nocedal and Wright, "Numerical optimization",
/// algorithms 3.5 and 3.6). It is PyTorch's `_strong_wolfe`, step by step.
struct StrongWolfe {
  /// A step along the direction, and what was found there.
  struct Point {
    var step: Double
    var loss: Double
    var gradient: Tensor
    /// The derivative of the loss along the direction.
    var slope: Double
  }

  private static let c1 = 1e-4
  private static let c2 = 0.9
  private static let smallestChange = 1e-9

  /// A step that fulfils the conditions, or the best that was found, and how often it looked.
  /// - Parameters:
  ///   - start: the point of departure, at step 0.
  ///   - first: the first step to try.
  ///   - length: the largest magnitude in the direction.
  ///   - limit: how many times to look further.
  ///   - evaluate: the loss and its gradient at a step.
  static func search<Failure: Error>(
    from start: Point, first: Double, length: Double, limit: Int,
    _ evaluate: (_ step: Double) throws(Failure) -> Point
  ) throws(Failure) -> (point: Point, evaluations: Int) {
    var before = start
    var now = try evaluate(first)
    var round = 0
    var bracket: (Point, Point)?
    // A bracket has a point that fulfils the conditions inside.
    while round < limit {
      if now.loss > start.loss + Self.c1 * now.step * start.slope || (round > 1 && now.loss >= before.loss) {
        bracket = (before, now)
        break
      }
      if abs(now.slope) <= -Self.c2 * start.slope { return (now, round + 1) }
      if now.slope >= 0 {
        bracket = (before, now)
        break
      }
      let range = (now.step + 0.01 * (now.step - before.step), now.step * 10)
      let next = Self.lowest(before, now, within: range)
      (before, now) = (now, try evaluate(next))
      round += 1
    }
    guard var (one, other) = bracket else {
      return (start.loss <= now.loss ? start : now, round + 1)
    }
    var isStuck = false
    while round < limit, abs(other.step - one.step) * length >= Self.smallestChange {
      let (low, high) = (min(one.step, other.step), max(one.step, other.step))
      var step = Self.lowest(one, other, within: (low, high))
      // Close to an end it makes no progress: the second time it moves inside by a tenth.
      let margin = 0.1 * (high - low)
      if min(high - step, step - low) < margin {
        if isStuck || step >= high || step <= low {
          step = abs(step - high) < abs(step - low) ? high - margin : low + margin
          isStuck = false
        } else {
          isStuck = true
        }
      } else {
        isStuck = false
      }
      let found = try evaluate(step)
      round += 1
      let isOneLower = one.loss <= other.loss
      let (lower, higher) = isOneLower ? (one, other) : (other, one)
      var (best, rest) = (found, higher)
      if found.loss > start.loss + Self.c1 * step * start.slope || found.loss >= lower.loss {
        (best, rest) = (lower, found)
      } else if abs(found.slope) <= -Self.c2 * start.slope {
        return (found, round + 1)
      } else if found.slope * (higher.step - lower.step) >= 0 {
        rest = lower
      }
      (one, other) = isOneLower ? (best, rest) : (rest, best)
    }
    return (one.loss <= other.loss ? one : other, round + 1)
  }

  /// Where the cubic with the losses and slopes of two points is lowest, or the middle where it has no such
  /// point.
  private static func lowest(_ a: Point, _ b: Point, within range: (Double, Double)) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.step - b.step)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0 else { return (range.0 + range.1) / 2 }
    let d2 = square.squareRoot()
    let place =
      a.step <= b.step
      ? b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.step - (a.step - b.step) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(place, range.0), range.1)
  }
}
