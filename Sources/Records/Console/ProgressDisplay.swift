import Foundation
import Synchronization

/// Steps, figures, speed and time left of one loop.
///
/// On a terminal a bar, at most ten times a second; otherwise a line at the first step, then at every tenth
/// of the loop or after half a minute, and at the last step.
public final class ProgressDisplay: Sendable {
  private struct State {
    var step: Int
    var total: Int
    var tokens = 0
    var fields: [(name: String, value: String)] = []
    var lastShown: Double?
    var lastLineStep: Int
    var isFinished = false
  }

  private let console: Console
  private let title: String
  private let start: Int
  private let clock: @Sendable () -> Double
  private let begin: Double
  private let state: Mutex<State>

  init(
    console: Console, title: String, total: Int, start: Int,
    clock: @escaping @Sendable () -> Double = { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
  ) {
    self.console = console
    self.title = title
    self.start = start
    self.clock = clock
    begin = clock()
    state = Mutex(State(step: start, total: total, lastLineStep: start))
  }

  /// Reports that `step` steps are done.
  ///
  /// - Parameters:
  ///   - step: steps done, from the beginning of the loop (not of this process).
  ///   - tokens: tokens worked on since the last call.
  ///   - fields: figures to show, in order; `nil` keeps the ones shown before.
  public func update(step: Int, tokens: Int = 0, fields: [(name: String, value: String)]? = nil) {
    guard !console.isQuiet else { return }
    let text: (String, Bool)? = state.withLock { state in
      let now = clock()
      state.step = step
      state.tokens += tokens
      if let fields { state.fields = fields }
      if console.isTerminal {
        guard state.lastShown.map({ now - $0 >= 0.1 }) ?? true || step >= state.total else { return nil }
        state.lastShown = now
        return (line(state, now: now, width: console.output.width()), true)
      }
      let crossed = step * 10 / max(state.total, 1) > state.lastLineStep * 10 / max(state.total, 1)
      guard state.lastShown == nil || step >= state.total || crossed || now - state.lastShown! >= 30 else {
        return nil
      }
      state.lastShown = now
      state.lastLineStep = step
      return (line(state, now: now, width: nil), false)
    }
    guard let text else { return }
    if text.1 { console.show(bar: text.0) } else { console.showLine(text.0) }
  }

  /// There will be fewer steps than was thought.
  package func shorten(to total: Int) { state.withLock { $0.total = min($0.total, total) } }

  /// Ends the display; the bar stays as a line.
  public func finish() {
    guard !console.isQuiet else { return }
    let text: String? = state.withLock { state in
      guard !state.isFinished, console.isTerminal else { return nil }
      state.isFinished = true
      return line(state, now: clock(), width: console.output.width())
    }
    if let text { console.endBar(text) }
  }

  private func line(_ state: State, now: Double, width: Int?) -> String {
    let seconds = max(now - begin, 1e-3)
    var parts = ["\(state.step)/\(state.total)"]
    parts += state.fields.map { "\($0.name) \($0.value)" }
    if state.tokens > 0 { parts.append("\(Self.rate(Double(state.tokens) / seconds)) tokens/s") }
    let done = state.step - start
    if state.step >= state.total {
      parts.append("\(Self.duration(seconds))")
    } else if done > 0 {
      parts.append("\(Self.duration(seconds / Double(done) * Double(state.total - state.step))) left")
    }
    guard let width else { return "\(title)  " + parts.joined(separator: "  ") }
    let figures = parts.joined(separator: "  ")
    let room = min(30, width - title.count - figures.count - 5)
    let share = min(1, Double(state.step) / Double(max(state.total, 1)))
    let text = room < 5 ? "\(title)  \(figures)" : "\(title)  \(Self.bar(share, width: room))  \(figures)"
    return String(text.prefix(max(width - 1, 10)))
  }

  static func bar(_ share: Double, width: Int) -> String {
    let full = min(max(Int(clamping: (share * Double(width)).rounded(.down)), 0), width)
    return String(repeating: "━", count: full) + String(repeating: "─", count: width - full)
  }

  static func rate(_ value: Double) -> String {
    value < 1000
      ? String(format: "%.0f", value)
      : value < 1e6 ? String(format: "%.1fk", value / 1e3) : String(format: "%.1fM", value / 1e6)
  }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(clamping: seconds.rounded())
    if whole < 60 { return "\(whole)s" }
    if whole < 3600 { return String(format: "%d:%02d", whole / 60, whole % 60) }
    return String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
  }
}
