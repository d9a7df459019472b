extension ChatTemplate {
  /// The template in transformers' language: as its models ship it, or pictures as `<image>` and a line
  /// break, in the order of the message.
  package var jinja: String {
    if let engine { return engine.source }
    if self == .smolVLM { return Self.publishedSmolVLM[0] }
    if let own = Self.publishedOneVision[name] { return own }
    func literal(_ text: String) -> String {
      "'"
        + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("\n", with: "\\n") + "'"
    }
    let content =
      "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in "
      + "message['content'] %}{% if part['type'] == 'image' %}{{ \(literal(Tokenizer.imageMark + "\n")) "
      + "}}{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    // Where an answer is encoded on its own, it begins with a SentencePiece vocabulary's space.
    let answer = afterQuestion + (afterQuestion.hasSuffix("\n") ? "" : " ")
    let end =
      answerEnds.map {
        "{% if loop.last %}{{ \(literal($0.last)) }}{{ eos_token }}{% else %}{{ \(literal($0.inner)) }}{% "
          + "endif %}"
      } ?? "{{ eos_token }}"
    return
      "{% for message in messages %}{% if message['role'] == 'user' %}"
      + "{% if loop.first %}{{ \(literal(beforeQuestion)) }}{% else %}"
      + "{{ \(literal(beforeLaterQuestion)) }}{% endif %}\(content)"
      + "{% else %}{{ \(literal(answer)) }}\(content)\(end){% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}{{ \(literal(afterQuestion)) }}{% endif %}"
  }

  /// The template that a text in transformers' language spells: one written here, or one of a published model
  /// that frames a question in the same way. Nil for any other: the language is not run here.
  package init?(jinja: String) {
    // Here it stands outside any literal, where an escape would be two characters.
    if Self.publishedSmolVLM.contains(jinja.trimmed.replacing("\r\n", with: "\n")) {
      self = .smolVLM
      return
    }
    // A line break inside a literal is the same as its escape, which all of these have; GGUF files have
    // breaks.
    let text = jinja.trimmed.replacing("\r\n", with: "\n").replacing("\n", with: "\\n")
    guard let template = Self.all.first(where: { $0.jinja == text }) ?? Self.published[text] else {
      return nil
    }
    self = template
  }

  /// LLaVA-OneVision's, which move pictures to the front of a message
  /// (llava-hf/llava-onevision-qwen2-7b-ov-hf and -si-hf).
  private static let publishedOneVision = [
    oneVision.name: gathering(afterRole: " ", picture: "", beforeText: "'\\n' + ", afterMessage: ""),
    oneVisionChatML.name: gathering(
      afterRole: "\\n", picture: "\\n", beforeText: "", afterMessage: " + '\\n'"),
  ]

  private static func gathering(
    afterRole: String, picture: String, beforeText: String, afterMessage: String
  ) -> String {
    let text = "{{ \(beforeText)content['text'] }}"
    func each(_ type: String) -> String {
      "{% for content in message['content'] | selectattr('type', 'equalto', '\(type)') %}"
    }
    return
      "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\(afterRole)'}}"
      + "{# Render all images first #}\(each("image"))"
      + "{{ '<image>\(picture)' }}{% endfor %}{# Render all video then #}\(each("video"))"
      + "{{ '<video>\(picture)' }}{% endfor %}{# Render all text next #}"
      + "{% if message['role'] != 'assistant' %}\(each("text"))\(text){% endfor %}"
      + "{% else %}\(each("text")){% generation %}\(text){% endgeneration %}{% endfor %}{% endif %}"
      + "{{'<|im_end|>'\(afterMessage)}}{% endfor %}{% if add_generation_prompt %}{{ "
      + "'<|im_start|>assistant\\n' }}{% endif %}"
  }

  /// What published models ship, by its text.
  private static let published: [String: ChatTemplate] = [
    // llava-hf/llava-1.5-7b-hf and its kin.
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% "
      + "endif %}{# Render all images first #}{% for content in message['content'] | selectattr('type', "
      + "'equalto', 'image') %}{{ '<image>\\n' }}{% endfor %}{# Render all text next #}{% if message['role'] "
      + "!= 'assistant' %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ "
      + "content['text'] + ' '}}{% endfor %}{% else %}{% for content in message['content'] | "
      + "selectattr('type', 'equalto', 'text') %}"
      + "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}": .plain,
    // HuggingFaceTB/SmolLM2-135M-Instruct and its kin.
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
      + "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
      + "Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
      + "'<|im_end|>' + '\\n'}}"
      + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}": .chatML,
    // LLaVA-OneVision's in fewer words.
    "{% for turn in messages %}{{ '<|im_start|>' + turn['role'] + ' ' }}{% for part in turn['content'] %}"
      + "{{ '<image>' if part['type'] == 'image' else '' }}{% endfor %}{% for part in turn['content'] %}"
      + "{{ '\\n' + part['text'] if part['type'] == 'text' else '' }}{% endfor %}{{ '<|im_end|>' }}{% endfor "
      + "%}"
      + "{{ '<|im_start|>assistant\\n' if add_generation_prompt else '' }}": .oneVision,
  ]

  /// What HuggingFaceTB/SmolVLM-Instruct and its kin ship; those that see films too say so. The last says the
  /// same in other words.
  private static let publishedSmolVLM: [String] =
    ["", "{% elif line['type'] == 'video' %}{{ '<video>' }}"].map {
      "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
        + "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
        + "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
        + "{% elif line['type'] == 'image' %}{{ '<image>' }}\($0){% endif %}{% endfor "
        + "%}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
    } + [
      "<|im_start|>{% for turn in messages %}{{ turn['role'] | capitalize }}:"
        + "{{ '' if turn['content'][0]['type'] == 'image' else ' ' }}{% for part in turn['content'] %}"
        + "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}<end_of_utterance>\n{% "
        + "endfor %}{{ 'Assistant:' if add_generation_prompt else '' }}"
    ]
}

extension String {
  /// Without white space at its ends.
  fileprivate var trimmed: String {
    let start = drop { $0.isWhitespace }
    return String(start.prefix(start.count - start.reversed().prefix { $0.isWhitespace }.count))
  }
}
