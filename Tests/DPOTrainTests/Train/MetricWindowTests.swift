import DPOTrain
import Testing

@Suite("Metric window")
struct MetricWindowTests {
  @Test("means are weighted, and survive a checkpoint")
  func weighted() {
    var window = MetricWindow()
    window.add("loss", 1, weight: 3)
    window.add("loss", 5)
    window.add("grad_norm", 0.5)
    #expect(window.means == ["loss": 2, "grad_norm": 0.5])
    #expect(MetricWindow(progress: window.progress) == window)
    window.reset()
    #expect(window.means.isEmpty)
  }
}
