import Foundation
import Records
import Testing

@Suite(.serialized) struct InterruptionTests {
  @Test func anInterruptedRunSaysWhereItStopped() {
    #expect(
      "\(InterruptedRun(place: "train step 12 of 40", checkpoint: "runs/a/checkpoints/step-12.h5"))"
        == "stopped at train step 12 of 40; checkpoint runs/a/checkpoints/step-12.h5")
    #expect("\(InterruptedRun(place: "compose", checkpoint: nil))" == "stopped at compose")
  }
}
