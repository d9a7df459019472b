import Foundation
import Testing

@Suite struct BadUsageTests {
  @Test func helpAndVersion() throws {
    let help = try BuiltCommand.run("--help")
    #expect(help.status == 0)
    #expect(help.output.contains("USAGE: dpotrain"))
    #expect(help.output.contains("Exit status: 0 done, 1 error, 2 wrong usage"))
    let version = try BuiltCommand.run("--version")
    #expect(version.status == 0)
    #expect(version.output.contains(/^\d+\.\d+\.\d+\n$/))
  }

  @Test(arguments: [
    ["plan"], ["plan", "--config"], ["plan", "--config", "x", "--sat", "a.b=c"], ["nonsense"],
  ])
  func wrongUsageIsStatusTwo(_ arguments: [String]) throws {
    let call = try BuiltCommand.run(arguments)
    #expect(call.status == 2)
    #expect(call.output.isEmpty)
    #expect(call.errors.hasPrefix("error: "))
  }

  @Test func aWordThatIsNoCommandIsToldWithTheOneThatWasMeant() throws {
    let call = try BuiltCommand.run("genrate", "--model", "x")
    #expect(call.status == 2)
    #expect(
      call.errors == "error: unknown command \"genrate\"; did you mean generate?\nSee dpotrain --help.\n")
    let plan = try BuiltCommand.run("plan")
    #expect(plan.errors.hasSuffix("See dpotrain plan --help.\n"), "\(plan.errors)")
  }

  @Test func withoutArgumentsItShowsItsHelpInGroups() throws {
    let call = try BuiltCommand.run()
    #expect(call.status == 2)
    #expect(call.errors == "error: found no argument, expected --config FILE or one of these commands\n")
    #expect(try call.output == BuiltCommand.run("--help").output)
    for group in ["RUN SUBCOMMANDS", "LOOK AT RUNS", "CONFIGURATION", "MODEL", "DATA", "TOOLS"] {
      #expect(call.output.uppercased().contains(group), "\(group)")
    }
  }

  @Test func filesOfAnotherKindAreTold() throws {
    try BuiltCommand.withFolder { folder in
      try Data("{\n  \"a\": [1,\n 2]\n}\n".utf8).write(to: folder.appendingPathComponent("p.json"))
      let convert = try BuiltCommand.run("convert", "p.json", "x.csv", in: folder)
      #expect(
        convert.status == 2 && convert.errors.contains("x.csv: found the ending \"csv\", expected .json"))
      let inspect = try BuiltCommand.run("inspect", "p.json", in: folder)
      #expect(inspect.status == 1 && inspect.output.isEmpty)
      #expect(inspect.errors.contains("p.json: is one JSON object, expected a list of records"))
    }
  }

  @Test func aMissingFileIsOneLine() throws {
    let call = try BuiltCommand.run("plan", "--config", "/nowhere/a.yaml")
    #expect(call.status == 1)
    #expect(call.output.isEmpty)
    #expect(call.errors == "/nowhere/a.yaml: found no such file, expected a YAML file\n")
  }

  @Test func problemsOfAConfigurationAreOneLineEach() throws {
    try BuiltCommand.withFolder { folder in
      let file = folder.appendingPathComponent("bad.yaml")
      try Data("train:\n  beta: strong\n  gama: 1\n".utf8).write(to: file)
      let call = try BuiltCommand.run("plan", "--config", file.path, "--set", "run.seed=x")
      #expect(call.status == 1)
      #expect(call.output.isEmpty)
      #expect(
        call.errors == """
          \(file.path):2: train.beta: found "strong", expected a number above 0
          \(file.path):3: train.gama: unknown key; did you mean gamma?
          --set: run.seed: found "x", expected a whole number, 0 or more

          """)
    }
  }
}
