import Foundation
import Synchronization

/// What a person sees of a run: messages and results on standard output, progress on standard error.
///
/// On a terminal progress is a bar that redraws itself; otherwise it is a plain line now and then.
public final class Console: Sendable {
  /// Where text goes.
  package struct Output: Sendable {
    var message: @Sendable (String) -> Void
    var progress: @Sendable (String) -> Void
    var isTerminal: Bool
    var width: @Sendable () -> Int

    package init(
      isTerminal: Bool, width: @escaping @Sendable () -> Int, message: @escaping @Sendable (String) -> Void,
      progress: @escaping @Sendable (String) -> Void
    ) {
      self.isTerminal = isTerminal
      self.width = width
      self.message = message
      self.progress = progress
    }
  }

  /// Whether only results, warnings and errors are shown.
  public let isQuiet: Bool
  /// Whether progress is drawn as a bar.
  public var isTerminal: Bool { output.isTerminal }
  let output: Output
  private let bar = Mutex("")

  /// A console on the process's own streams.
  public convenience init(isQuiet: Bool = false) {
    let terminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    self.init(
      isQuiet: isQuiet,
      output: Output(
        isTerminal: terminal, width: Console.terminalWidth,
        message: { FileHandle.standardOutput.write(Foundation.Data($0.utf8)) },
        progress: { FileHandle.standardError.write(Foundation.Data($0.utf8)) }))
  }

  package init(isQuiet: Bool, output: Output) {
    self.isQuiet = isQuiet
    self.output = output
  }

  /// A console that shows nothing.
  public static var silent: Console {
    Console(
      isQuiet: true, output: Output(isTerminal: false, width: { 80 }, message: { _ in }, progress: { _ in }))
  }

  /// The same console for one of many runs: bars on a terminal and warnings, no messages and results.
  package var progressOnly: Console {
    var output = output
    output.message = { _ in }
    return Console(isQuiet: isQuiet || !isTerminal, output: output)
  }

  /// A line about what happens; not shown when quiet.
  public func message(_ text: String) {
    if !isQuiet { print(text, to: output.message) }
  }

  /// What the run was for, such as the final table; shown when quiet too.
  public func result(_ text: String) { print(text, to: output.message) }

  /// Something to know about, on standard error; shown when quiet too.
  public func warning(_ text: String) { print("warning: \(text)", to: output.progress) }

  /// A display for a loop of `total` steps of which `start` are already done.
  public func progress(_ title: String, total: Int, start: Int = 0) -> ProgressDisplay {
    ProgressDisplay(console: self, title: title, total: total, start: start)
  }

  package func progress(
    _ title: String, total: Int, start: Int = 0, clock: @escaping @Sendable () -> Double
  ) -> ProgressDisplay {
    ProgressDisplay(console: self, title: title, total: total, start: start, clock: clock)
  }

  private func print(_ text: String, to write: (String) -> Void) {
    bar.withLock { shown in
      if !shown.isEmpty { output.progress("\r\u{1B}[K") }
      write(text + "\n")
      if !shown.isEmpty { output.progress(shown) }
    }
  }

  func show(bar text: String) {
    bar.withLock { shown in
      shown = text
      output.progress("\r\u{1B}[K" + text)
    }
  }

  func showLine(_ text: String) { output.progress(text + "\n") }

  func endBar(_ text: String) {
    bar.withLock { shown in
      shown = ""
      output.progress("\r\u{1B}[K" + text + "\n")
    }
  }

  private static let terminalWidth: @Sendable () -> Int = {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }
}
