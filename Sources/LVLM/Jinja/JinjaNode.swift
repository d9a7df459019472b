/// An expression of a template.
struct JinjaExpression: Sendable {
  let line: Int
  let kind: Kind

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
