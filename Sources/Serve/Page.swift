/// The page at `/`: one document without anything from elsewhere.
enum Page {
  /// The page under a policy that lets its own style and script in and nothing else, whatever a text holds.
  static func reply() -> ServerReply {
    let nonce = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let policy =
      "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; img-src data:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return ServerReply(
      200, text: document(nonce), type: "text/html; charset=utf-8",
      headers: [
        ("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
      ])
  }

  private static func document(_ nonce: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ask your model</title>
    <style nonce="\(nonce)">
    \(style)
    </style>
    <main>
    <h1>Ask your model</h1>
    <form id="form">
    <div id="drop" tabindex="0" role="button" aria-label="Add pictures">
    <span id="hint">Drop pictures here, or click to choose (PNG, JPEG, WebP)</span>
    <div id="pictures"></div>
    </div>
    <input id="files" type="file" accept="image/png,image/jpeg,image/webp" multiple hidden>
    <label>Question <textarea id="question" rows="2" required></textarea></label>
    <div id="row">
    <label>Tokens <input id="tokens" type="number" value="64" min="1" max="4096"></label>
    <label>Temperature <input id="temperature" type="number" value="0" min="0" max="2" step="0.1"></label>
    <label id="tokenLabel" hidden>Token <input id="token" type="password" autocomplete="off"></label>
    <button id="ask">Ask</button> <button id="clear" type="button">Clear pictures</button>
    </div>
    </form>
    <p id="problem" role="alert"></p>
    <div id="answers"></div>
    </main>
    <script nonce="\(nonce)">
    \(PageScript.text)
    </script>
    </html>

    """
  }

  private static let style = """
    :root { color-scheme: light dark; --line: #8886; --soft: #8881; --accent: #2a6fdb; }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 70rem; margin: auto; padding: 1rem; }
    h1 { font-size: 1.4rem; margin: 0 0 .8rem; }
    #drop { border: 2px dashed var(--line); border-radius: .6rem; padding: 1rem; cursor: pointer; }
    #drop.over { border-color: var(--accent); background: var(--soft); }
    #pictures { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .5rem; }
    #pictures:empty { display: none; }
    #pictures img { height: 6rem; max-width: 100%; border-radius: .3rem; }
    label { display: block; margin: .7rem 0 0; }
    textarea { display: block; width: 100%; font: inherit; padding: .4rem; }
    #row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; }
    input { font: inherit; width: 7rem; padding: .2rem; }
    button { font: inherit; padding: .35rem 1rem; }
    #problem { color: #c33; white-space: pre-wrap; }
    .turn { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: .6rem; }
    .asked { font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; }
    .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
    .answer { background: var(--soft); border-radius: .5rem; padding: .6rem .8rem; min-width: 0; }
    .answer h2 { font-size: .9rem; margin: 0; opacity: .75; }
    .answer p { margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
    .answer img { width: 100%; border-radius: .3rem; image-rendering: pixelated; }
    .looked { font-size: .85rem; opacity: .75; }
    """
}
