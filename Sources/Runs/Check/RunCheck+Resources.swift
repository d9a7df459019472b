import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records

/// Whether memory and disk are there as far as they can be estimated.
extension RunCheck {
  /// What memory and disk are too small for.
  public func resourceProblems() -> [RunProblem] { resourceProblems(nil) }

  /// As ``resourceProblems()``, of a run that brings its own pairs.
  func resourceProblems(_ ownPairs: OwnPairs?) -> [RunProblem] {
    guard let plan = try? RunPlan(configuration, ownPairs: ownPairs), configuration.model.languageModel == nil
    else { return [] }
    var problems: [RunProblem] = []
    func megabytes(_ bytes: Int) -> String { "\(max(1, bytes >> 20)) MiB" }
    let trains = stages.contains(.train)
    if trains || stages.contains(.sft), let free = AvailableResources.memory, plan.peakBytes > free {
      let key = trains ? "train.per_device_train_batch_size" : "sft.per_device_train_batch_size"
      problems.append(
        problem(
          key,
          "about \(megabytes(plan.peakBytes)) of memory are needed (estimate), \(megabytes(free)) are free; "
            + "lower it, choose a smaller model, or run where there is more"))
    }
    let train = configuration.train
    if trains, train.adapter == .lora, train.useDoRA, plan.hasPartialLayers {
      problems.append(
        problem(
          "train.use_dora",
          "true with a model that maps rows of pictures with weights of their own; expected false"))
    }
    let directory = configuration.run.outputDirectory
    let needed = plan.diskBytes(stages)
    if let free = AvailableResources.disk(at: directory), needed > free {
      problems.append(
        problem(
          "run.output_dir",
          "\(directory): about \(megabytes(needed)) of disk are needed (estimate), \(megabytes(free)) are "
            + "free; make room or choose another directory"))
    }
    return problems
  }
}

extension RunPlan {
  /// Estimated bytes that the stages write: models and checkpoints, of which the newest is there twice while
  /// it is written, and pictures that are made.
  func diskBytes(_ stages: Set<Stage>) -> Int {
    let all = visionWeights + projectorWeights + decoderWeights
    let side = configuration.model.visionConfig.imageSize
    var bytes = 0
    if stages.contains(.sft), configuration.sft.maxSteps > 0 { bytes += 4 * all + 2 * 12 * all }
    if stages.contains(.train) {
      let kept = configuration.train.saveTotalLimit
      let slots = configuration.train.optim.slotCount
      let copies = (configuration.train.syncRefModel ? 1 : 0) + (configuration.train.emaDecay > 0 ? 1 : 0)
      bytes += 4 * all + (max(kept, 1) + 1) * 4 * (all + (slots + copies) * trainedWeights)
    }
    let pictures = { (plan: CompositionPlan) in
      plan.entries.reduce(0) { $0 + $1.records * ($1.kind == .sequence ? 0 : $1.count * side * side) }
    }
    if stages.contains(.compose) { bytes += pictures(CompositionPlan(configuration.compose)) }
    if stages.contains(.evaluate) { bytes += pictures(CompositionPlan(configuration.evaluate)) }
    return bytes
  }
}

/// What the machine, and the limits this process runs under, have left.
enum AvailableResources {
  /// Bytes of memory that can be had: what Linux calls available, within the limits of the control group and
  /// the process.
  static var memory: Int? {
    var limits: [Int] = []
    if let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    {
      limits.append(kilobytes << 10)
    }
    for (limit, used) in [
      ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
      ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ] {
      // Without a limit the file says `max`, or a number near the largest.
      if let most = number(limit), most < 1 << 60 { limits.append(max(0, most - (number(used) ?? 0))) }
    }
    var space = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space) == 0, space.rlim_cur < 1 << 60 {
      limits.append(Int(space.rlim_cur))
    }
    return limits.min()
  }

  /// Free bytes on the file system of a path, or of the nearest folder above it that is there.
  static func disk(at path: String) -> Int? {
    var place = URL(fileURLWithPath: path).standardizedFileURL
    while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
      place.deleteLastPathComponent()
    }
    var status = statvfs()
    guard statvfs(place.path, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }

  private static func number(_ file: String) -> Int? {
    (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }
}
