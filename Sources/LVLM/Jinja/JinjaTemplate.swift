import Checkpoint

/// A template of Jinja2, as transformers renders chat templates: `trim_blocks`, `lstrip_blocks`, `break` and
/// `continue`, `generation` blocks, `raise_exception` and its own `tojson`.
///
/// It is a part of the language: what is not computed here (`include`, `recursive` loops, filters such as
/// `groupby`, methods such as `format`) is refused by name when a template is read, and what depends on the
/// day, `strftime_now`, is not defined, so that templates write the date they have for that case.
package struct JinjaTemplate: Sendable {
  /// Its text.
  package let source: String
  private let nodes: [JinjaNode]

  /// Reads a template.
  ///
  /// - Throws: ``JinjaError`` for a fault in its grammar, or something not computed here.
  package init(_ source: String) throws {
    self.source = source
    nodes = try JinjaParser.parse(source)
  }

  /// The text that it makes of named values.
  ///
  /// - Throws: ``JinjaError`` for what Python refuses, a value or an operation that is not computed here,
  ///   more work than a rendering may do, or `raise_exception`.
  func render(_ values: [String: JinjaValue], units: Int = JinjaWork.usual) throws -> String {
    try JinjaEvaluator.render(nodes, values, units: units)
  }

  /// The text that it makes of values of JSON.
  ///
  /// - Parameter units: what it may do, see ``JinjaWork``.
  /// - Throws: as ``render(_:units:)``.
  package func render(json values: [String: JSONValue], units: Int? = nil) throws -> String {
    try render(values.mapValues(JinjaValue.init), units: units ?? JinjaWork.usual)
  }
}
