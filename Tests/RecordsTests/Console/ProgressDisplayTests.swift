import Foundation
import Records
import Synchronization
import TestSupport
import Testing

@Suite struct ProgressDisplayTests {
  /// Collects what a console writes.
  private final class Screen: Sendable {
    let messages = Mutex("")
    let progress = Mutex("")
    func console(isTerminal: Bool, isQuiet: Bool = false, width: Int = 80) -> Console {
      Console(
        isQuiet: isQuiet,
        output: .init(
          isTerminal: isTerminal, width: { width },
          message: { [self] text in messages.withLock { $0 += text } },
          progress: { [self] text in progress.withLock { $0 += text } }))
    }
    var shown: String { progress.withLock { $0 } }
    var said: String { messages.withLock { $0 } }
  }

  @Test func plainLinesComeAtEveryTenth() {
    let screen = Screen()
    let time = Mutex(0.0)
    let display = screen.console(isTerminal: false).progress(
      "train", total: 20, clock: { time.withLock { $0 } })
    for step in 1...20 {
      time.withLock { $0 = Double(step) }
      display.update(step: step, tokens: 500, fields: [("loss", "0.5"), ("margin", "1.2")])
    }
    display.finish()
    let lines = screen.shown.split(separator: "\n")
    #expect(lines.first == "train  1/20  loss 0.5  margin 1.2  500 tokens/s  19s left")
    #expect(lines.last == "train  20/20  loss 0.5  margin 1.2  500 tokens/s  20s")
    #expect(lines.count == 11)
    #expect(!screen.shown.contains("\u{1B}"))
  }

  @Test func aBarFitsTheTerminal() {
    let screen = Screen()
    let time = Mutex(0.0)
    let display = screen.console(isTerminal: true, width: 60).progress(
      "train", total: 100, clock: { time.withLock { $0 } })
    for step in 1...50 {
      time.withLock { $0 = Double(step) * 2 }
      display.update(step: step, tokens: 3000, fields: [("loss", "0.5")])
    }
    let last = screen.shown.components(separatedBy: "\r\u{1B}[K").last!
    #expect(last.count < 60)
    #expect(last.hasPrefix("train  ━"))
    #expect(last.hasSuffix("50/100  loss 0.5  1.5k tokens/s  1:40 left"))
    display.finish()
    #expect(screen.shown.hasSuffix("\n"))
  }

  @Test func messagesDoNotTearTheBar() {
    let screen = Screen()
    let console = screen.console(isTerminal: true)
    let display = console.progress("sft", total: 4)
    display.update(step: 1)
    console.message("hello")
    #expect(screen.said == "hello\n")
    #expect(screen.shown.components(separatedBy: "\r\u{1B}[K").count == 3)
  }

  @Test func quietShowsResultsAndWarningsOnly() {
    let screen = Screen()
    let console = screen.console(isTerminal: false, isQuiet: true)
    let display = console.progress("sft", total: 4)
    display.update(step: 4)
    display.finish()
    console.message("hello")
    console.result("table")
    console.warning("careful")
    #expect(screen.said == "table\n")
    #expect(screen.shown == "warning: careful\n")
  }

  @Test func aLoopThatEndsEarlyIsToldInItsOwnSteps() {
    let screen = Screen()
    let time = Mutex(0.0)
    let display = screen.console(isTerminal: false).progress(
      "sft", total: 100, clock: { time.withLock { $0 } })
    for step in 1...15 {
      time.withLock { $0 = Double(step) }
      if step >= 12 { display.shorten(to: 15) }
      display.update(step: step)
    }
    // No later word makes it longer.
    display.shorten(to: 40)
    display.update(step: 15)
    let lines = screen.shown.split(separator: "\n")
    #expect(lines.contains("sft  10/100  1:30 left") && lines.contains("sft  12/15  3s left"), "\(lines)")
    #expect(lines.suffix(2) == ["sft  15/15  15s", "sft  15/15  15s"], "\(lines)")
  }

  @Test func aResumedLoopEstimatesFromItsOwnSteps() {
    let screen = Screen()
    let time = Mutex(0.0)
    let display = screen.console(isTerminal: false).progress(
      "sft", total: 100, start: 50, clock: { time.withLock { $0 } })
    time.withLock { $0 = 10 }
    display.update(step: 60)
    #expect(screen.shown == "sft  60/100  40s left\n")
  }
}
