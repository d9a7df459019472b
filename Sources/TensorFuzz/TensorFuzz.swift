import ArgumentParser

/// Looks for inputs that the library mistreats: `tensor-fuzz readers --count 1000000`, `tensor-fuzz models`,
/// `tensor-fuzz operations`.
@main
struct TensorFuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensor-fuzz", abstract: "Looks for inputs that the tensor library mistreats.",
    subcommands: [OperationsCommand.self, ReadersCommand.self, ModelsCommand.self])
}
