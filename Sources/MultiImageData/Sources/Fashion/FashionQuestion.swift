import Tensor

/// What is asked about a Fashion-MNIST picture.
enum FashionQuestion: WordedQuestion {
  /// What is it?
  case name
  /// Which of two classes is it?
  case choice(Int, Int)
  /// Is it this class?
  case isClass(Int)
  /// Where is it worn?
  case worn
  /// Is it light or dark?
  case tone
  /// What is it, and is it light or dark?
  case describe

  /// Draws a question: the share `describing` of pictures with a tone are described; of the others 40 % name,
  /// 20 % choice, 20 % yes/no, 10 % worn, 10 % tone (or name, for a picture that is neither light nor dark).
  init(
    label: Int, tone: FashionMNIST.Tone?, describing: Double = 0, using generator: inout RandomGenerator
  ) {
    if describing > 0, generator.uniform() < describing, tone != nil {
      self = .describe
      return
    }
    func other() -> Int {
      let value = generator.integer(below: 9)
      return value < label ? value : value + 1
    }
    switch generator.integer(below: 10) {
    case 0..<4: self = .name
    case 4..<6:
      let wrong = other()
      self = generator.integer(below: 2) == 0 ? .choice(label, wrong) : .choice(wrong, label)
    case 6..<8:
      self = generator.integer(below: 2) == 0 ? .isClass(label) : .isClass(other())
    case 8: self = .worn
    default: self = tone == nil ? .name : .tone
    }
  }

  var family: String {
    switch self {
    case .name: "name"
    case .choice: "choice"
    case .isClass: "yes_no"
    case .worn: "worn"
    case .tone: "tone"
    case .describe: "describe"
    }
  }

  var wordings: [String] {
    let names = FashionMNIST.classNames
    return switch self {
    case .name: ["What item is shown in the picture?", "What is this?", "Name the item in the image."]
    case .choice(let first, let second): ["Is this \(names[first]) or \(names[second])?"]
    case .isClass(let label): ["Is this \(names[label])?"]
    case .worn: ["Where is this item worn?"]
    case .tone: ["Is the item light or dark?"]
    case .describe: describingWordings
    }
  }

  /// The answer for a picture of class `label`; `nil` when the question does not apply to it.
  func answer(label: Int, tone: FashionMNIST.Tone?) -> String? {
    switch self {
    case .name:
      return Self.sentence(label)
    case .choice(let first, let second):
      return label == first || label == second ? Self.sentence(label) : nil
    case .isClass(let asked):
      return label == asked ? "Yes." : "No."
    case .worn:
      switch label {
      case 5, 7, 9: return "On the feet."
      case 1: return "On the legs."
      case 3: return "On the whole body."
      case 8: return "It is carried."
      default: return "On the upper body."
      }
    case .tone:
      return tone.map { $0 == .light ? "Light." : "Dark." }
    case .describe:
      return tone.map { "A \($0.rawValue) \(Self.nouns[label])." }
    }
  }

  /// `a T-shirt` as an answer: `A T-shirt.`
  private static func sentence(_ label: Int) -> String {
    "A" + FashionMNIST.classNames[label].dropFirst() + "."
  }

  static let byWording = {
    var all: [FashionQuestion] = [.name, .worn, .tone, .describe]
    for first in 0..<10 {
      all.append(.isClass(first))
      for second in 0..<10 where second != first { all.append(.choice(first, second)) }
    }
    return table(of: all)
  }()
}
