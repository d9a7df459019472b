import DPOTrain

extension LossGolden {
  /// Losses that `DPOTrainer` of TRL 1.16 no longer has, or never had, on the same five pairs, in Float64:
  /// `kto_pair` is `DPOTrainer.dpo_loss` of TRL 0.8.6, its gradient with both divergences detached (as in the
  /// paper and in TRL's `KTOTrainer`); `cpo` and `simpo` are `CPOTrainer.cpo_loss`, `orpo` is
  /// `ORPOTrainer.odds_ratio_loss` of TRL 0.24, `simpo` and `orpo` on log-probabilities divided by the number
  /// of tokens; `sft` is the mean that `DPOTrainer` of TRL 1.16 takes.
  static let otherTrainers: [LossGolden] = [
    LossGolden(
      "kto_pair", LossOptions(beta: 0.1),
      loss: 0.473588525,
      gradient: [
        -0.002498619, -0.00245293768, -0.0023958184, -0.00229047684, -0.00240970053, 0.00243929541,
        0.00248796622, 0.00249925408, 0.00231622109, 0.00245349537,
      ]),
    LossGolden(
      "kto_pair", LossOptions(beta: 0.5),
      loss: 0.415190515,
      gradient: [
        -0.0123288891, -0.00802662853, -0.00497279063, -0.00229966911, -0.00555942994, 0.00712293102,
        0.0111045722, 0.0124072038, 0.00274809341, 0.00806653616,
      ]),
    LossGolden(
      "cpo", LossOptions(beta: 0.1),
      loss: 0.59469128,
      gradient: [
        -0.00591956845, -0.0130557922, -0.0114388134, -0.00669781836, -0.00530739646, 0.00591956845,
        0.0130557922, 0.0114388134, 0.00669781836, 0.00530739646,
      ]),
    LossGolden(
      "cpo", LossOptions(beta: 0.5),
      loss: 0.981828738,
      gradient: [
        -0.00129629505, -0.0959168773, -0.0809824041, -0.00313487271, -0.000611295059, 0.00129629505,
        0.0959168773, 0.0809824041, 0.00313487271, 0.000611295059,
      ]),
    LossGolden(
      "cpo", LossOptions(beta: 0.1, labelSmoothing: 0.2),
      loss: 0.660683841,
      gradient: [
        -0.00191956845, -0.00905579219, -0.00743881338, -0.00269781836, -0.00130739646, 0.00191956845,
        0.00905579219, 0.00743881338, 0.00269781836, 0.00130739646,
      ]),
    LossGolden(
      "simpo", LossOptions(beta: 2.0, simpoGamma: 0.5),
      loss: 0.779943772,
      gradient: [
        -0.0851281033, -0.0116442881, -0.0165240717, -0.00745658918, -0.030456123, 0.0378347126,
        0.031051435, 0.0227205986, 0.00838866283, 0.0187422296,
      ]),
    LossGolden(
      "simpo", LossOptions(beta: 0.1, simpoGamma: 1.0),
      loss: 1.28968524,
      gradient: [
        -0.00371558636, -0.00178525751, -0.00131689626, -0.00157756791, -0.00182626005, 0.00165137171,
        0.00476068668, 0.00181073235, 0.0017747639, 0.00112385234,
      ]),
    LossGolden(
      "orpo", LossOptions(beta: 0.1),
      loss: 0.0573178143,
      gradient: [
        -0.00351772298, -0.000836166105, -0.000865522824, -0.0006473219, -0.00143039318, 0.00165061637,
        0.00199592071, 0.00113093901, 0.000619013738, 0.000876263754,
      ]),
    LossGolden(
      "orpo", LossOptions(beta: 0.5),
      loss: 0.286589071,
      gradient: [
        -0.0175886149, -0.00418083053, -0.00432761412, -0.0032366095, -0.00715196588, 0.00825308185,
        0.00997960356, 0.00565469506, 0.00309506869, 0.00438131877,
      ]),
    LossGolden(
      "sft", LossOptions(beta: 0.1),
      loss: 1.89554159,
      gradient: [
        -0.025, -0.025, -0.025, -0.025, -0.025, 0, 0, 0, 0, 0,
      ]),
  ]
}
