/// An expression of a template.
struct JinjaExpression: Sendable {
  let line: Int
  let kind: Kind
  /// Expressions within each other, this one among them.
  let depth: Int

  init(line: Int, kind: Kind) {
    (self.line, self.kind) = (line, kind)
    depth = 1 + kind.parts.reduce(0) { max($0, $1.depth) }
  }

  indirect enum Kind: Sendable {
    case none
    case boolean(Bool), integer(Int), real(Double), text(String)
    case name(String)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case mapping([(key: JinjaExpression, value: JinjaExpression)])
    case not(JinjaExpression)
    case negative(JinjaExpression)
    case positive(JinjaExpression)
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case arithmetic(String, JinjaExpression, JinjaExpression)
    case joined([JinjaExpression])
    case comparison(JinjaExpression, [(sign: String, value: JinjaExpression)])
    case conditional(JinjaExpression, if: JinjaExpression, else: JinjaExpression?)
    case attribute(JinjaExpression, String)
    case element(JinjaExpression, JinjaExpression)
    case slice(JinjaExpression, JinjaExpression?, JinjaExpression?, JinjaExpression?)
    case call(JinjaExpression, JinjaArguments)
    /// A filter; of nothing where it is the filter of a block.
    case filter(JinjaExpression?, String, JinjaArguments)
    case test(JinjaExpression, String, JinjaArguments)

    /// The expressions that it is made of.
    fileprivate var parts: [JinjaExpression] {
      switch self {
      case .none, .boolean, .integer, .real, .text, .name: []
      case .list(let values), .tuple(let values), .joined(let values): values
      case .mapping(let members): members.flatMap { [$0.key, $0.value] }
      case .not(let value), .negative(let value), .positive(let value), .attribute(let value, _): [value]
      case .and(let a, let b), .or(let a, let b), .arithmetic(_, let a, let b), .element(let a, let b):
        [a, b]
      case .comparison(let first, let others): [first] + others.map(\.value)
      case .conditional(let value, let test, let other): [value, test] + [other].compactMap(\.self)
      case .slice(let value, let start, let end, let step):
        [value] + [start, end, step].compactMap(\.self)
      case .call(let value, let arguments), .test(let value, _, let arguments):
        [value] + arguments.unnamed + arguments.named.map(\.value)
      case .filter(let value, _, let arguments):
        [value].compactMap(\.self) + arguments.unnamed + arguments.named.map(\.value)
      }
    }
  }
}

/// What stands between the parentheses of a call.
struct JinjaArguments: Sendable {
  var unnamed: [JinjaExpression] = []
  var named: [(name: String, value: JinjaExpression)] = []
}

/// Where a value goes.
indirect enum JinjaTarget: Sendable {
  case name(String)
  case attribute(of: String, String)
  case several([JinjaTarget])
}

/// A part of a template.
struct JinjaNode: Sendable {
  let line: Int
  let kind: Kind

  struct Macro: Sendable {
    var name: String
    var parameters: [(name: String, usual: JinjaExpression?)]
    var body: [JinjaNode]
  }

  indirect enum Kind: Sendable {
    case data(String)
    case output(JinjaExpression)
    case condition([(if: JinjaExpression?, body: [JinjaNode])])
    case loop(
      JinjaTarget, over: JinjaExpression, where: JinjaExpression?, body: [JinjaNode], otherwise: [JinjaNode])
    case set(JinjaTarget, JinjaExpression)
    /// What a body writes, through a filter.
    case capture(JinjaTarget?, filter: JinjaExpression?, body: [JinjaNode])
    case with([(target: JinjaTarget, value: JinjaExpression)], body: [JinjaNode])
    /// transformers' block around what a model says.
    case generation([JinjaNode])
    case macro(Macro)
    case leave
    case next
  }
}
