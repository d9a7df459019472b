import Runs
import TestSupport
import Testing

/// `dpotrain explain`: what is said about keys.
@Suite struct ConfigurationExplanationTests {
  @Test func aKeyIsExplained() throws {
    let text = try ConfigurationReference.explanation(of: "train.lora_r")
    #expect(
      text == """
        train.lora_r
            Rank of the adapters, with `adapter: lora`.
            default  16
            accepts  a whole number from 1 to 131072
            redoes   train; with it what is made from that: evaluate, report

        """)
    #expect(try ConfigurationReference.explanation(of: "lora_r") == text)
    let idle = try ConfigurationReference.explanation(of: "run.threads")
    #expect(idle.contains("redoes   nothing: it does not change results"))
    let power = try ConfigurationReference.explanation(of: "power")
    #expect(power.hasPrefix("train.lr_scheduler_kwargs.power\n") && power.contains("default  1\n"))
  }

  @Test func severalKeysOfOneNameAndSections() throws {
    let rates = try ConfigurationReference.explanation(of: "learning_rate")
    for key in ["sft.learning_rate", "train.learning_rate", "sft.vision_pretraining.learning_rate"] {
      #expect(rates.contains("\(key)\n"))
    }
    let section = try ConfigurationReference.explanation(of: "train.lr_scheduler_kwargs")
    #expect(section.hasPrefix("train.lr_scheduler_kwargs.num_cycles: 1\n    How often"))
    for name in ConfigurationReference.sections {
      let text = try ConfigurationReference.explanation(of: name)
      #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("\(name).") || $0.hasPrefix("    ") })
    }
  }

  @Test(arguments: [
    ("train.lora_rr", "did you mean train.lora_r?"), ("trian", "did you mean train?"),
    ("train.use_attention", "did you mean select.use_attention?"), ("betta", "did you mean train.beta?"),
    ("sft.beta", "did you mean train.beta?"), ("", "expected a section (run, model,"),
    ("zzzzzzzzzzzz", "expected a section (run, model,"), (".", "expected a section (run, model,"),
  ]) func whatThereIsNotIsSaid(key: String, advice: String) throws {
    let error = #expect(throws: UnknownKeyError.self) { try ConfigurationReference.explanation(of: key) }
    #expect("\(error!)".hasPrefix("no key \"\(key)\"; ") && "\(error!)".contains(advice), "\(error!)")
  }

  @Test func aLongWordIsNoKey() {
    let word = String(repeating: "train.", count: 20_000)
    let error = #expect(throws: UnknownKeyError.self) {
      try ConfigurationReference.explanation(of: word)
    }
    #expect(error?.closest == [])
  }

  @Test func linesAreNotLong() throws {
    for name in ConfigurationReference.sections {
      let lines = try ConfigurationReference.explanation(of: name).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count < 130 })
    }
  }

  /// A starter is a configuration, once its paths are filled in.
  @Test(arguments: ConfigurationStarter.allCases) func startersAreRead(starter: ConfigurationStarter) throws {
    let lines = starter.yaml.split(separator: "\n")
    #expect((10...25).contains(lines.count), "\(lines.count)")
    var yaml = starter.yaml
    for place in starter.places {
      #expect(yaml.contains(": \(place) "), "\(place)")
      yaml = yaml.replacing(": \(place) ", with: ": /somewhere/\(place.lowercased()) ")
    }
    let configuration = try RunConfiguration(yaml: yaml, file: "starter.yaml")
    #expect(configuration.hasOwnPairs == (starter == .pairs))
    #expect((configuration.model.path == nil) == (starter == .pictures))
    #expect(try RunConfiguration(yaml: configuration.yaml, file: "written") == configuration)
    if starter == .pictures { #expect(try RunPlan(configuration).peakBytes > 0) }
  }
}
