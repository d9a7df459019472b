import Foundation
import Synchronization

/// SIGINT as a wish to stop the answer that is under way, not the program.
public enum AnswerStop {
  private static let isAnswering = Atomic<Bool>(false)
  private static let wasAsked = Atomic<Bool>(false)
  private static let hint: StaticString = "\n(/quit or the end of the input ends the program)\n> "

  /// Catches SIGINT from now on.
  public static func install() {
    // Touching both makes their one-time initialization happen outside the handler.
    isAnswering.store(false, ordering: .relaxed)
    wasAsked.store(false, ordering: .relaxed)
    _ = hint.utf8CodeUnitCount
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in AnswerStop.received() }
    action.sa_flags = SA_RESTART
    sigaction(SIGINT, &action, nil)
  }

  /// Whether the answer shall end.
  public static var isRequested: Bool { wasAsked.load(ordering: .relaxed) }

  /// Runs `body` as an answer, which SIGINT stops.
  public static func during<Result>(_ body: () throws -> Result) rethrows -> Result {
    wasAsked.store(false, ordering: .relaxed)
    isAnswering.store(true, ordering: .relaxed)
    defer { isAnswering.store(false, ordering: .relaxed) }
    return try body()
  }

  private static func received() {
    wasAsked.store(true, ordering: .relaxed)
    guard !isAnswering.load(ordering: .relaxed), isatty(STDOUT_FILENO) == 1 else { return }
    _ = write(STDOUT_FILENO, hint.utf8Start, hint.utf8CodeUnitCount)
  }
}
