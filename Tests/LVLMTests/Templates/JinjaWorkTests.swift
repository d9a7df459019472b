import Checkpoint
import Foundation
import LVLM
import Testing

/// Templates that ask for more than a machine has: every operation that makes much of little, or looks
/// through it again and again. Each ends in an error with its line, whatever the machine.
@Suite struct JinjaWorkTests {
  /// Far fewer units than a rendering has: what is refused with these would be with more.
  private static let units = 1 << 16

  private func message(_ source: String, _ values: [String: JSONValue] = [:], units: Int = units) -> String {
    do {
      return "text: \(try JinjaTemplate(source).render(json: values, units: units))"
    } catch { return "\(error)" }
  }

  private static let steps = "more than 65536 steps"
  private static let bytes = "a text of more than 67108864 bytes"
  private static let values = "a list of more than 4194304 values"

  /// A body that a loop runs again and again with `ns.s`.
  private static func again(_ start: String, _ body: String) -> String {
    "{% set ns = namespace(s=\(start)) %}\n{% for i in range(500) %}{% set ns.s = \(body) %}{% endfor %}"
  }

  /// An expression that a loop looks at again and again.
  private static func looking(_ start: String, _ body: String) -> String {
    "{% set s = \(start) %}\n{% for i in range(10000) %}{% set x = \(body) %}{% endfor %}"
  }

  /// Loops within loops, and macros that call themselves twice.
  private static let loops: [(source: String, words: String)] = [
    ("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", steps),
    ("{% for i in range(9999) %}{% for j in range(9999) if false %}{% endfor %}{% endfor %}", steps),
    ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}", steps),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macros within each other"),
  ]

  /// Texts and lists that double.
  private static let doubling: [(source: String, words: String)] = [
    (again("'a'", "ns.s ~ ns.s"), steps), (again("'a'", "ns.s + ns.s"), steps),
    (again("'a'", "ns.s * 2"), steps), (again("[1]", "ns.s + ns.s"), steps),
    (again("[1]", "ns.s * 2"), steps), (again("'a'", "ns.s | replace('a', 'aa')"), steps),
    (again("'a'", "ns.s.replace('', 'b')"), steps), (again("'ab'", "ns.s.join(ns.s)"), steps),
    (again("'ab'", "ns.s | join(ns.s)"), steps), (again("'a'", "[ns.s, ns.s] | string"), steps),
    (again("'a\n'", "ns.s | indent(4) ~ ns.s"), steps), (again("'a'", "ns.s | tojson"), steps),
    (again("'a'", "'%s%s' ~ ns.s ~ ns.s | upper"), steps),
    (again("'\u{DF}'", "ns.s | upper ~ ns.s"), steps),
    (again("[1]", "ns.s + (ns.s | list)"), steps),
    (again("[1]", "(ns.s | map('string') | list) * 2"), steps),
    (again("[[1]]", "[ns.s | sum(start=[])] * 2"), steps), (again("[1]", "[ns.s, ns.s]"), steps),
  ]

  /// One operation that asks for all at once.
  private static let atOnce: [(source: String, words: String)] = [
    ("{{ 'a' * 10**9 }}", bytes), ("{{ 10**18 * 'a' }}", bytes), ("{{ [1] * 10**9 }}", values),
    ("{{ 'a' | indent(10**9) }}", bytes), ("{{ 'a\nb' | indent(width=10**18) }}", bytes),
    ("{{ [1] | tojson(indent=10**9) }}", bytes), ("{{ range(10**9) | list }}", "range of more than 100000"),
    ("{{ ('a' * 200000) | replace('a', 'b' * 10000) }}", steps),
    ("{{ ('a' * 50000).replace('', 'b' * 50000) }}", bytes),
    ("{{ ('a' * 9000) | join('b' * 50000) }}", bytes),
    ("{{ ('b' * 50000).join(('a' * 9000) | list) }}", bytes),
    ("{{ ('a\n' * 20000) | indent('b' * 50000) }}", bytes),
    ("{{ ([[1]] * 3000) | tojson(indent='b' * 30000) }}", steps),
    ("{{ ([[1]] * 3000) | tojson(separators=('b' * 30000, '')) }}", bytes),
    ("{{ 'a' | center(10**9) }}", "a filter center"), ("{{ '%s' | format(1) }}", "a filter format"),
    ("{{ [1] | batch(10**9) }}", "a filter batch"), ("{{ [1] | slice(10**9) }}", "a filter slice"),
    ("{{ 'a'.ljust(10**9) }}", "a method .ljust()"), ("{{ 10**10**10 }}", "more than 64 bits"),
  ]

  /// What is looked through.
  private static let lookedThrough: [(source: String, words: String)] = [
    (looking("'a' * 100000", "s | length"), steps), (looking("'a' * 100000", "s[0]"), steps),
    (looking("'a' * 100000", "s[-1]"), steps), (looking("'a' * 100000", "s[::-1]"), steps),
    (looking("'a' * 100000", "s == s"), steps), (looking("'a' * 100000", "s < s"), steps),
    (looking("'a' * 100000", "'b' in s"), steps), (looking("'a' * 100000", "s.find('b')"), steps),
    (looking("'a' * 100000", "s.count('b')"), steps), (looking("'a' * 100000", "s.split('b')"), steps),
    (looking("'a' * 100000", "s.split()"), steps), (looking("'a' * 100000", "s.splitlines()"), steps),
    (looking("'a' * 100000", "s | trim"), steps), (looking("'a' * 100000", "s.strip('b')"), steps),
    (looking("'a' * 100000", "s | title"), steps), (looking("'a' * 100000", "s is lower"), steps),
    (looking("'a' * 100000", "s | reverse"), steps), (looking("'a' * 100000", "s.isalpha()"), steps),
    (looking("'a' * 100000", "s | int"), steps), (looking("'a' * 100000", "s | float"), steps),
    (looking("'a' * 100000", "s.startswith(s)"), steps), (looking("'a' * 100000", "s.endswith(s)"), steps),
    (looking("'a' * 100000", "'a'.find(s)"), steps), (looking("'a' * 100000", "'a'.split(s)"), steps),
    (looking("'a' * 100000", "'a'.strip(s)"), steps), (looking("'a' * 100000", "'a' | trim(s)"), steps),
    (looking("'a' * 100000", "'a' | replace(s, '')"), steps), (looking("'a' * 100000", "s in 'a'"), steps),
    (looking("'a' * 100000", "[{}] | map(attribute=s) | list"), steps),
    (looking("'a' * 100000", "s.upper()"), steps), (looking("'a' * 100000", "s | lower"), steps),
    (looking("'a' * 100000", "s is upper"), steps), (looking("'a' * 100000", "s | string"), steps),
    (looking("range(10000)", "s == s"), steps), (looking("range(10000)", "s < s"), steps),
    (looking("range(10000)", "-1 in s"), steps), (looking("range(10000)", "s.index(9999)"), steps),
    (looking("range(10000)", "s.count(1)"), steps), (looking("range(10000)", "s | sum"), steps),
    (looking("range(10000)", "s | max"), steps), (looking("range(10000)", "s | sort"), steps),
    (looking("range(10000)", "s | unique | list"), steps), (looking("range(10000)", "s[::-1]"), steps),
    (looking("range(10000)", "s | reverse"), steps), (looking("range(10000)", "s | string"), steps),
    (looking("range(10000)", "s | tojson"), steps), (looking("range(10000)", "s | select | list"), steps),
    (looking("range(10000)", "s | map('abs') | list"), steps), (looking("range(10000)", "[s]"), steps),
    (looking("range(10000)", "{1: s}"), steps), (looking("range(10000)", "dict(a=s)"), steps),
    ("{{ range(90000) | unique | list }}", steps), ("{{ range(90000) | map('string') | join }}", steps),
  ]

  @Test(.timeLimit(.minutes(5)), arguments: loops + doubling + atOnce + lookedThrough)
  func workWithoutEnd(source: String, words: String) {
    let found = message(source)
    #expect(found.contains(words), "\(source): \(found.prefix(200))")
    if !words.hasPrefix("text") { #expect(found.hasPrefix("line "), "\(found.prefix(200))") }
  }

  /// Mappings of many members, which each key is compared with.
  @Test func largeMappings() {
    let members = (0..<2000).map { (key: "k\($0)", value: JSONValue.integer($0)) }
    for body in [
      "m['x']", "m.x", "'x' in m", "m.get('x')", "m == m", "m | items | list", "m.values()", "m | dictsort",
    ] {
      let source = "{% for i in range(100000) %}{% set x = \(body) %}{% endfor %}"
      #expect(message(source, ["m": .object(members)]).contains(" steps, expected"), "\(body)")
    }
  }

  /// An expression that goes on and on.
  private static func chain(_ start: String, _ part: String, _ count: Int = 9999) -> String {
    "{{ \(start)\(String(repeating: part, count: count)) }}"
  }

  private static func brackets(_ count: Int, around inner: String) -> String {
    String(repeating: "[", count: count) + inner + String(repeating: "]", count: count)
  }

  private static let deepValues: [(source: String, words: String)] = [
    (again("1", "[ns.s]"), "more than 200 values"), (again("1", "(ns.s,)"), "more than 200 values"),
    (again("1", "{'a': ns.s}"), "more than 200 values"), (again("1", "dict(a=ns.s)"), "more than 200 values"),
    (again("1", "namespace(a=ns.s)"), "more than 200 values"),
    (
      "{% set ns = namespace(s=1) %}{% for i in range(500) %}{% set n = namespace() %}"
        + "{% set n.x = ns.s %}{% set ns.s = n %}{% endfor %}", "more than 200 values"
    ),
    (again("[1]", "[ns.s].count"), "the method count as a value"),
  ]

  private static let deepExpressions: [(source: String, words: String)] = [
    (chain("1", " + 1"), "more than 200 expressions"), (chain("1", " ** 1"), "more than 200 expressions"),
    (chain("1", " and 1"), "more than 200 expressions"), (chain("1", " or 1"), "more than 200 expressions"),
    (chain("1", " if 1"), "more than 200 expressions"), (chain("a", ".a"), "more than 200 expressions"),
    (chain("a", "[0]"), "more than 200 expressions"), (chain("a", "()"), "more than 200 expressions"),
    (chain("a", " | trim"), "more than 200 expressions"),
    (chain("1", " if 1 else 1"), "more than 200 constructs"), (chain("", "not "), "more than 200 constructs"),
    (chain("", "-"), "more than 200 constructs"),
    (
      "{% macro f() %}{{ \(brackets(150, around: "f()")) }}{% endmacro %}{{ f() }}",
      "more than 400 expressions, blocks and macros"
    ),
    // As many as there may be, and what is no more than a list of them.
    (chain("1", " + 1", 198), "text: 199"), (chain("1", " == 1", 999), "text: True"),
    (chain("''", " ~ ''", 999), "text: "), ("{{ \(brackets(99, around: "1")) | length }}", "text: 1"),
  ]

  /// Values within each other, and expressions: none takes the stack.
  @Test(arguments: deepValues + deepExpressions) func depthWithoutEnd(source: String, words: String) {
    let found = message(source, units: 1 << 20)
    #expect(found.contains(words), "\(source.prefix(80)): \(found.prefix(200))")
  }

  /// Numbers at the ends of what a machine has.
  @Test(arguments: [
    ("{{ (-9223372036854775807 - 1) is divisibleby(-1) }}", "text: True"),
    ("{{ range(9223372036854775800, 9223372036854775807, 5) | length }}", "text: 2"),
    ("{{ 'abc'[::9223372036854775807] }}", "text: a"), ("{{ 'abc'[-9223372036854775807:] }}", "text: abc"),
    ("{{ 'abc'[9223372036854775807] is defined }}", "text: False"),
    ("{{ 'abc'[-9223372036854775807] is defined }}", "text: False"), ("{{ 'abc'[-1] }}", "text: c"),
    ("{{ 'abc'[-4] is defined }}", "text: False"), ("{{ 'abc'[3] is defined }}", "text: False"),
    ("{{ '' * 10**18 }}", "text: "), ("{{ [] * 10**18 }}", "text: []"),
    ("{{ 'a' * (0 - 10**18) }}", "text: "),
    ("{{ 'abcabc'.rfind('c') }}{{ 'abcabc'.find('c') }}", "text: 52"), ("{{ 'aaa'.rfind('aa') }}", "text: 1"),
    ("{{ ''.rfind('') }}{{ 'ab'.rfind('') }}{{ 'ab'.find('') }}", "text: 020"),
    ("{{ 'a'.find('aa') }}", "text: -1"),
    ("{{ 'aaaa'.replace('aa', 'b') }}{{ 'aaa'.count('aa') }}", "text: bb1"),
  ]) func numbersAndPlaces(source: String, text: String) { #expect(message(source) == text) }

  /// What a rendering is given may be gone through many times over, whatever its size.
  @Test func longConversations() throws {
    let message = JSONValue.object([
      ("role", .string("user")), ("content", .string(String(repeating: "a word ", count: 150_000))),
    ])
    let source =
      "{% for m in messages %}{{ m.role | trim }}{% if '<x>' in m.content %}{{ m.content.split('<x>')[0] }}"
      + "{% else %}{{ m.content | trim | replace('a', 'b') }}{% endif %}{% endfor %}"
    let text = try JinjaTemplate(source).render(
      json: ["messages": .array([message, message, message])], units: Self.units)
    #expect(text.utf8.count == 3 * (4 + 150_000 * 7 - 1))
  }
}
