import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// llama.cpp itself on the files that are written for it: ids, scores, greedy answers, adapters, pictures.
@Suite(
  .enabled(if: PeerPython.has("llama_cpp", "numpy"), "needs a Python with llama_cpp; set PEER_PYTHON"))
struct LlamaCppTests: ModelCopies {
  private static let script = """
    import ctypes, json, sys
    import numpy as np
    import llama_cpp.llama_cpp as L, llama_cpp.mtmd_cpp as M
    from llama_cpp import Llama
    a = json.load(open(sys.argv[1]))
    m = Llama(model_path=a["model"], lora_path=a.get("lora"), logits_all=True, n_ctx=a["context"], n_batch=a["context"],
              n_ubatch=a["context"], n_threads=1, n_threads_batch=1, flash_attn=False, type_k=0, type_v=0, verbose=False)
    row = lambda i: np.ctypeslib.as_array(L.llama_get_logits_ith(m.ctx, i), (m.n_vocab(),)).copy()
    if "picture" in a:
        p = M.mtmd_context_params_default()
        p.use_gpu, p.n_threads, p.warmup, p.print_timings, p.flash_attn_type = False, 1, False, False, 0
        c = M.mtmd_init_from_file(a["projector"].encode(), m.model, p)
        text, words = M.mtmd_input_text(), a["text"].encode()
        text.text, text.text_len, text.add_special, text.parse_special = words, len(words), a["adds"], True
        chunks = M.mtmd_input_chunks_init()
        bitmaps = (M.mtmd_bitmap_p_ctypes * 1)(M.mtmd_helper_bitmap_init_from_file(c, a["picture"].encode(), False))
        assert M.mtmd_tokenize(c, chunks, ctypes.byref(text), bitmaps, 1) == 0
        ids, features = [], []
        for i in range(M.mtmd_input_chunks_size(chunks)):
            chunk = M.mtmd_input_chunks_get(chunks, i)
            n = M.mtmd_input_chunk_get_n_tokens(chunk)
            if M.mtmd_input_chunk_get_type(chunk) == 0:
                count = ctypes.c_size_t()
                tokens = M.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                ids += [tokens[k] for k in range(count.value)]
            else:
                ids += [-1] * n
                assert M.mtmd_encode_chunk(c, chunk) == 0
                shape = (n, L.llama_model_n_embd_inp(m.model))
                features.append(np.ctypeslib.as_array(M.mtmd_get_output_embd(c), shape).copy())
        np.save(a["features"], np.concatenate(features))
        past = ctypes.c_int()
        assert M.mtmd_helper_eval_chunks(c, m.ctx, chunks, 0, 0, a["context"], True, ctypes.byref(past)) == 0
        logits = row(-1)[None]
    else:
        ids = m.tokenize(a["text"].encode(), add_bos=a["adds"], special=False)
        m.eval(ids)
        logits = np.array(m.scores[: m.n_tokens])
    np.save(a["logits"], logits.astype(np.float32))
    greedy, last = [], logits[-1]
    for _ in range(8):
        greedy.append(int(last.argmax()))
        token = (ctypes.c_int32 * 1)(greedy[-1])
        assert L.llama_decode(m.ctx, L.llama_batch_get_one(token, 1)) == 0
        last = row(-1)
    json.dump({"ids": ids, "greedy": greedy}, open(a["found"], "w"))
    """

  private struct Found: Decodable {
    var ids: [Int32]
    var greedy: [Int32]
  }

  private func ask(
    _ folder: URL, _ question: [String: Any]
  ) throws -> (found: Found, logits: Tensor, features: Tensor?) {
    var question = question
    for name in ["logits.npy", "features.npy", "found"] {
      let key = name.split(separator: ".")[0]
      question[String(key)] = folder.appending(component: name).path
    }
    try write(question, "question.json", folder)
    let output = try PeerPython.run(Self.script, [folder.appending(component: "question.json").path])
    try #require(output.status == 0, "\(output.text.suffix(2000))")
    let found = try JSONDecoder().decode(
      Found.self, from: Data(contentsOf: folder.appending(component: "found")))
    func array(_ name: String) throws -> Tensor { try NPY.read(folder.appending(component: name)) }
    let features = question["picture"] == nil ? nil : try array("features.npy")
    return (found, try array("logits.npy"), features)
  }

  /// Scores after every token of a text, and the eight likeliest tokens after it, one after the other.
  private func own(_ loaded: PretrainedModel, _ ids: [Int32]) throws -> (logits: Tensor, greedy: [Int32]) {
    func logits(_ ids: [Int32]) throws -> Tensor {
      let none = ImageFeatures(
        .zeros([0, loaded.model.configuration.text.hiddenSize]), layout: FeatureLayout([]))
      let batch = try PackedBatch(
        [PackedExample(promptIDs: ids, images: [])], sharesPrefix: true, imageTokenID: -1,
        features: none.layout)
      return noGradient { loaded.model.decoder.logits(loaded.model.hiddenStates(batch, imageFeatures: none)) }
    }
    var (all, greedy) = (ids, [Int32]())
    for _ in 0..<8 {
      let scores = try logits(all)
      let last = scores.slice(axis: 0, all.count - 1..<all.count).array(of: Float.self)
      greedy.append(Int32(last.indices.max { last[$0] < last[$1] } ?? 0))
      all.append(greedy[greedy.count - 1])
    }
    return (try logits(ids), greedy)
  }

  private func logProbabilities(_ logits: Tensor) -> Tensor {
    noGradient { logits - logits.logSumExp(axes: [1]).reshaped([logits.shape[0], 1]) }
  }

  private static let text = "Which of the 2 shapes is red, na\u{EF}vely? It's 345."

  @Test(arguments: GGUFExportTests.Sample.allCases, [GGUFEncoding.f32, .f16, .q8_0, .q4_0])
  func textIsReadAlike(_ sample: GGUFExportTests.Sample, _ type: GGUFEncoding) throws {
    let own = try sample.load()
    try Fixtures.withTemporaryDirectory { folder in
      let export = try own.saveGGUF(
        to: folder.appending(component: "gguf"), name: "x", type: .encoding(type))
      let adds = own.tokenizer.addsBOS
      let ids = try (adds ? [own.tokenizer.bosID] : []) + own.tokenizer.encode(Self.text)
      let theirs = try ask(
        folder, ["model": export.files[0].path, "text": Self.text, "adds": adds, "context": 128])
      #expect(theirs.found.ids == ids)
      // This package on the same file: what is left is llama.cpp's arithmetic, in which activations are
      // rounded to the type of the weights.
      let read = try PretrainedModel.load(from: export.files[0])
      let (logits, greedy) = try self.own(read, ids)
      let (a, b) = (logProbabilities(logits), logProbabilities(theirs.logits))
      let scale = Double(logits.abs().max().item())
      let bound = type == .f32 ? 1e-4 : type == .f16 ? 0.01 : 0.03
      #expect(GGUFVisionTests.deviation(a, b) < bound * max(scale, 1), "\(GGUFVisionTests.deviation(a, b))")
      if type == .f32 {
        #expect(theirs.found.greedy == greedy)
        let exact = try self.own(own, ids)
        #expect(GGUFVisionTests.deviation(logProbabilities(exact.logits), b) < 1e-4 * max(scale, 1))
        #expect(exact.greedy == greedy)
      }
    }
  }

  @Test func adaptersAreReadAlike() throws {
    let own = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
    try Fixtures.withTemporaryDirectory { folder in
      let base = try own.saveGGUF(
        to: folder.appending(component: "base"), name: "x", type: .encoding(.f32))
      try own.model.loadAdapter(from: Fixtures.url("adapters/patterns"))
      let adapter = try own.model.saveGGUFAdapter(to: folder.appending(component: "adapter"), name: "x")
      let pieces = try PretrainedModel.load(from: base.files[0]).tokenizer
      let ids = try [pieces.bosID] + pieces.encode(Self.text)
      let question: [String: Any] = [
        "model": base.files[0].path, "text": Self.text, "adds": true, "context": 128,
      ]
      let without = try ask(folder, question)
      let with = try ask(folder, question.merging(["lora": adapter.files[0].path]) { $1 })
      #expect(with.found.ids == ids)
      let (logits, greedy) = try self.own(own, ids)
      #expect(GGUFVisionTests.deviation(logProbabilities(logits), logProbabilities(with.logits)) < 1e-4)
      #expect(GGUFVisionTests.deviation(with.logits, without.logits) > 1e-2)
      #expect(with.found.greedy == greedy)
    }
  }

  /// A picture that no scaling changes; llama.cpp resizes others otherwise than Pillow does.
  @Test func picturesAreSeenAlike() throws {
    let own = try PretrainedModel.load(from: GGUFVisionTests.Family.smolvlm.directory)
    try Fixtures.withTemporaryDirectory { folder in
      let picture = RGBImage(width: 38, height: 38, colour: RGBColour(200, 30, 90))
      let path = folder.appending(component: "a.png").path
      try picture.writePNG(to: path)
      let export = try own.saveGGUF(
        to: folder.appending(component: "gguf"), name: "x", type: .encoding(.f32))
      let features = try own.imageFeatures([picture])
      let example = try own.encoder.example(
        question: "<image>\nWhat?", images: [0], grids: features.layout.grids)
      let ids = example.promptIDs
      let prompt = own.template.prompt("<image>\nWhat?")
        .replacingOccurrences(of: "<image>", with: "<__media__>")
      let theirs = try ask(
        folder,
        [
          "model": export.files[0].path, "projector": export.files[1].path, "picture": path, "text": prompt,
          "adds": false, "context": 512,
        ])
      #expect(theirs.found.ids == ids.map { Int($0) == own.encoder.imageTokenID ? -1 : $0 })
      let rows = try #require(theirs.features)
      let scale = Double(features.rows.abs().max().item())
      #expect(GGUFVisionTests.deviation(features.rows, rows) < 2e-3 * scale)
      let batch = try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: own.encoder.imageTokenID, features: features.layout)
      let logits = noGradient {
        let hidden = own.model.hiddenStates(batch, imageFeatures: features)
        return own.model.decoder.logits(hidden.slice(axis: 0, ids.count - 1..<ids.count))
      }
      let deviation = GGUFVisionTests.deviation(logProbabilities(logits), logProbabilities(theirs.logits))
      #expect(deviation < 0.01, "\(deviation)")
      let answer = try Generator(model: own.model, tokenizer: own.tokenizer).generate(
        [example], imageFeatures: features, maxNewTokens: 8,
        sampling: Sampling(temperature: 0, generator: RandomGenerator(seed: 0)))
      #expect(answer[0].ids == Array(theirs.found.greedy.prefix(answer[0].ids.count)))
    }
  }
}
