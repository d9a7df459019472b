/// What the page does. Texts of models and of the server reach it as text alone, never as HTML.
enum PageScript {
  static let text = #"""
    "use strict";
    const by = (id) => document.getElementById(id);
    let models = [];
    const pictures = [];
    let reading = Promise.resolve();

    function make(name, parent, kind, text) {
      const element = document.createElement(name);
      if (kind) element.className = kind;
      if (text !== undefined) element.textContent = text;
      parent.append(element);
      return element;
    }

    function headers() {
      const all = { "Content-Type": "application/json" };
      if (by("token").value) all.Authorization = "Bearer " + by("token").value;
      return all;
    }

    async function failure(reply) {
      if (reply.status === 401) by("tokenLabel").hidden = false;
      try { return (await reply.json()).error.message; } catch { return "status " + reply.status; }
    }

    async function load() {
      const reply = await fetch("v1/models", { headers: headers() });
      if (!reply.ok) { by("problem").textContent = await failure(reply); return; }
      models = (await reply.json()).data.map((model) => model.id);
      by("problem").textContent = "";
    }

    function show() {
      by("pictures").replaceChildren();
      for (const url of pictures) make("img", by("pictures")).src = url;
    }

    function add(files) {
      for (const file of files) {
        if (!/^image\/(png|jpeg|webp)$/.test(file.type)) {
          by("problem").textContent = file.name + ": not a PNG, JPEG or WebP picture";
          continue;
        }
        // One after the other: a small picture is read sooner than a large one chosen before it.
        reading = reading.then(() => read(file)).then((url) => { pictures.push(url); show(); })
          .catch((error) => { by("problem").textContent = file.name + ": " + error.message; });
      }
    }

    function read(file) {
      return new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(file);
      });
    }

    function finish(box, choice) {
      const looked = choice.attention;
      if (!looked) return;
      make("img", box).src = looked.image;
      const shares = looked.shares.map((share, n) => (n + 1) + ": " + Math.round(share * 100) + " %");
      make("div", box, "looked", "layer " + looked.layer + " looked at picture " + shares.join(", "));
    }

    async function ask(model, question, box) {
      const said = make("p", box);
      const parts = pictures.map((url) => ({ type: "image_url", image_url: { url } }));
      parts.push({ type: "text", text: question });
      const reply = await fetch("v1/chat/completions", {
        method: "POST", headers: headers(),
        body: JSON.stringify({
          model, stream: true, attention: true, max_completion_tokens: Number(by("tokens").value),
          temperature: Number(by("temperature").value), messages: [{ role: "user", content: parts }],
        }),
      });
      if (!reply.ok) { said.textContent = await failure(reply); return; }
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let waiting = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        waiting += value;
        const events = waiting.split("\n\n");
        waiting = events.pop();
        for (const event of events) {
          const data = event.replace(/^data: /, "");
          if (data === "[DONE]") continue;
          const json = JSON.parse(data);
          if (json.error) { said.textContent += "\n" + json.error.message; continue; }
          for (const choice of json.choices) {
            said.textContent += choice.delta.content || "";
            if (choice.finish_reason) finish(box, choice);
          }
        }
      }
    }

    by("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const question = by("question").value.trim();
      if (!question) return;
      by("ask").disabled = true;
      by("problem").textContent = "";
      try {
        await reading;
        if (!models.length) await load();
        const turn = document.createElement("section");
        turn.className = "turn";
        if (models.length) by("answers").prepend(turn);
        make("div", turn, "asked", question);
        const columns = make("div", turn, "columns");
        await Promise.all(models.map((model) => {
          const box = make("div", columns, "answer");
          make("h2", box, "", model);
          return ask(model, question, box);
        }));
      } catch (error) {
        by("problem").textContent = String(error);
      }
      by("ask").disabled = false;
    });

    const drop = by("drop");
    drop.addEventListener("click", () => by("files").click());
    drop.addEventListener("keydown", (event) => { if (event.key === "Enter") by("files").click(); });
    by("files").addEventListener("change", () => { add(by("files").files); by("files").value = ""; });
    for (const kind of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", kind === "dragover");
        if (kind === "drop") add(event.dataTransfer.files);
      });
    }
    by("clear").addEventListener("click", () => { pictures.length = 0; show(); });
    by("token").addEventListener("change", load);
    load();
    """#
}
