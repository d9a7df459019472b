import Runs
import Testing

@Suite("Paired test")
struct PairedTestTests {
  /// scipy.stats.binomtest(k, n, 0.5).pvalue, SciPy 1.17.
  @Test(arguments: [
    (1, 9, 0.021484375), (10, 20, 0.09873714670538904), (0, 5, 0.0625), (7, 7, 1.0),
    (700, 900, 6.319484959450105e-07), (3, 4, 1.0), (0, 0, 1.0),
  ])
  func exactProbability(lost: Int, gained: Int, expected: Double) {
    #expect(abs(PairedTest(gained: gained, lost: lost).p - expected) <= 1e-9 * max(expected, 1e-3))
    #expect(abs(PairedTest(gained: lost, lost: gained).p - expected) <= 1e-9 * max(expected, 1e-3))
  }

  @Test func countsOnlyWhatDiffers() {
    let test = PairedTest(
      first: [true, true, false, false, true], second: [true, false, true, false, false])
    #expect(test == PairedTest(gained: 1, lost: 2))
  }

  /// statsmodels' multipletests(method="holm").
  @Test func holmsCorrection() {
    let found = PairedTest.holm([0.01, 0.04, 0.03, 0.005])
    for (a, b) in zip(found, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(a - b) < 1e-12) }
    #expect(PairedTest.holm([]) == [])
  }
}
