/// Plans that were used last, for as long as there is room for them.
package final class FFTPlanCache: Sendable {
  /// The plans of the process.
  package static let shared = FFTPlanCache(limit: 64, byteLimit: 1 << 26)

  /// How many plans are kept.
  package let limit: Int
  /// How many bytes of factors they may hold together.
  let byteLimit: Int
  private let state = RecoveringLock(State())

  private struct Key: Hashable {
    let n: Int
    let isDouble: Bool
    let isReal: Bool
  }

  private struct Entry {
    let plan: AnyObject
    let byteCount: Int
    var lastUse: Int
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var byteCount = 0
    var uses = 0

    mutating func find(_ key: Key) -> AnyObject? {
      uses += 1
      entries[key]?.lastUse = uses
      return entries[key]?.plan
    }

    mutating func keep(
      _ plan: AnyObject, _ key: Key, _ size: Int, _ limit: Int, _ byteLimit: Int
    ) {
      guard entries[key] == nil else { return }
      while entries.count >= limit || byteCount + size > byteLimit,
        let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        entries[oldest.key] = nil
        byteCount -= oldest.value.byteCount
      }
      entries[key] = Entry(plan: plan, byteCount: size, lastUse: uses)
      byteCount += size
    }
  }

  package init(limit: Int, byteLimit: Int) {
    self.limit = limit
    self.byteLimit = byteLimit
  }

  /// How many plans there are, and the bytes they hold.
  package var contents: (plans: Int, byteCount: Int) { state.withLock { ($0.entries.count, $0.byteCount) } }

  /// The plan for complex numbers of a type.
  func plan<T: FFTScalar>(_ n: Int, _: T.Type) -> FFTPlan<T> {
    find(Key(n: n, isDouble: T.self == Double.self, isReal: false), { $0.byteCount }) { FFTPlan<T>(n) }
  }

  /// The plan for real numbers of a type.
  func realPlan<T: FFTScalar>(_ n: Int, _: T.Type) -> RealFFTPlan<T> {
    find(Key(n: n, isDouble: T.self == Double.self, isReal: true), { $0.byteCount }) { RealFFTPlan<T>(n) }
  }

  /// Which object the plan of a length is, and of how many points.
  package func identity(
    _ n: Int, isDouble: Bool = false, isReal: Bool = false
  ) -> (plan: ObjectIdentifier, points: Int) {
    switch (isDouble, isReal) {
    case (false, false): identity(plan(n, Float.self), \.n)
    case (true, false): identity(plan(n, Double.self), \.n)
    case (false, true): identity(realPlan(n, Float.self), \.complex.n)
    case (true, true): identity(realPlan(n, Double.self), \.complex.n)
    }
  }

  private func identity<Plan: AnyObject>(
    _ plan: Plan, _ points: (Plan) -> Int
  ) -> (plan: ObjectIdentifier, points: Int) { (ObjectIdentifier(plan), points(plan)) }

  /// Plans are made outside of the lock, now and then one twice: making one asks for others, and takes long.
  private func find<Plan: AnyObject>(_ key: Key, _ size: (Plan) -> Int, _ make: () -> Plan) -> Plan {
    if let known = state.withLock({ $0.find(key) }) { return unsafeDowncast(known, to: Plan.self) }
    let plan = make()
    let byteCount = size(plan)
    if byteCount <= byteLimit {
      state.withLock { $0.keep(plan, key, byteCount, limit, byteLimit) }
    }
    return plan
  }
}
