import Evaluation
import Foundation
import LVLM

/// The `README.md` of an exported model: what it is, how it is asked, and what the run that made it measured.
public enum ModelCard {
  /// The text.
  ///
  /// - Parameters:
  ///   - name: what the model is called.
  ///   - result: figures of the run whose outcome it is; nil for a model of which nothing was measured.
  public static func text(of loaded: PretrainedModel, name: String, result: EvaluationResult?) -> String {
    let family = type(of: loaded.model.configuration).familyName
    let seesPictures = loaded.processor != nil
    let task = seesPictures ? "image-text-to-text" : "text-generation"
    var tags = ["dpotrain"]
    if result != nil { tags += ["dpo", "mia-dpo"] }
    var text = """
      ---
      library_name: transformers
      pipeline_tag: \(task)
      tags:
      \(tags.map { "- \($0)" }.joined(separator: "\n"))
      ---

      # \(name)

      A model of the \(family) family with the chat template `\(loaded.template.name)`, written by `dpotrain export`.

      """
    if seesPictures {
      text += """

        ```python
        from transformers import AutoModelForImageTextToText, AutoProcessor

        processor = AutoProcessor.from_pretrained("\(name)")
        model = AutoModelForImageTextToText.from_pretrained("\(name)", dtype="auto")
        content = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "What is in the second image?"}]
        prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = processor(text=prompt, images=[first, second], return_tensors="pt")
        answer = model.generate(**inputs, max_new_tokens=64)[0, inputs["input_ids"].shape[1]:]
        print(processor.decode(answer, skip_special_tokens=True))
        ```

        """
    }
    guard let result, let merged = try? MergedResults([result]) else { return text }
    return text + """

      ## What the run measured

      Before and after preference optimisation, on questions that were held out.

      \(merged.markdown())
      """
  }
}
