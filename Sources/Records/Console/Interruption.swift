import Foundation
import Synchronization

/// SIGINT and SIGTERM as a flag that training loops poll between steps.
///
/// The first signal asks for a stop: loops write a checkpoint and throw ``InterruptedRun``. A second one ends
/// the process at once.
public enum Interruption {
  private static let signalsSeen = Atomic<Int>(0)
  private static let lastSignal = Atomic<Int32>(0)

  /// Catches SIGINT and SIGTERM from now on.
  public static func install() {
    // Touching both makes their one-time initialization happen outside the handler.
    signalsSeen.store(0, ordering: .relaxed)
    lastSignal.store(0, ordering: .relaxed)
    // A launcher's blocked signals are inherited; blocked ones would never arrive.
    var both = sigset_t()
    sigemptyset(&both)
    sigaddset(&both, SIGINT)
    sigaddset(&both, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &both, nil)
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { Interruption.received($0) }
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  /// Whether a stop was asked for.
  public static var isRequested: Bool { signalsSeen.load(ordering: .relaxed) > 0 }

  /// The exit status a shell expects after the signal that was received: 130 or 143.
  public static var exitStatus: Int32 { 128 + lastSignal.load(ordering: .relaxed) }

  /// Asks for a stop, as a signal would.
  package static func request(_ signal: Int32 = SIGINT) {
    lastSignal.store(signal, ordering: .relaxed)
    signalsSeen.add(1, ordering: .relaxed)
  }

  /// Forgets what was asked for.
  package static func reset() { signalsSeen.store(0, ordering: .relaxed) }

  /// Throws when a stop was asked for; for work between steps that needs no checkpoint.
  public static func check(_ place: @autoclosure () -> String) throws {
    if isRequested { throw InterruptedRun(place: place(), checkpoint: nil) }
  }

  private static func received(_ signal: Int32) {
    lastSignal.store(signal, ordering: .relaxed)
    if signalsSeen.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + signal) }
  }
}

/// A run that was asked to stop and can go on later.
public struct InterruptedRun: Error, Equatable, CustomStringConvertible {
  /// How far it came, such as `train step 120 of 400`.
  public let place: String
  /// The checkpoint that was written on the way out.
  public let checkpoint: String?

  /// A stop at `place`, with the checkpoint that was written.
  public init(place: String, checkpoint: String?) {
    self.place = place
    self.checkpoint = checkpoint
  }

  /// One sentence; the command line adds how to go on.
  public var description: String {
    "stopped at \(place)" + (checkpoint.map { "; checkpoint \($0)" } ?? "")
  }
}
