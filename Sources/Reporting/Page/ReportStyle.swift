/// The page's style sheet: system fonts, one set of colours for light and one for dark.
enum ReportStyle {
  static let css: HTML = """
    :root {
      --page: #f7f6f3; --card: #ffffff; --text: #1d1f22; --muted: #6b7077; --faint: #70757c; --line: #e4e2dc;
      --before: #a8afb8; --after: #2b67b1; --chosen: #1f8466; --rejected: #c04f33; --heat: #e0431f;
      --under: #c04f3314; --good: #1f8466; --bad: #c04f33; --target: #1f9d77;
      --t0: #2b67b1; --t1: #7aa6d8; --t2: #1f8466; --t3: #c99a2e; --t4: #c04f33; --t5: #8a6fb0;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #131518; --card: #1b1e22; --text: #e6e7e9; --muted: #9ba1a9; --faint: #8d949c; --line: #2d3137;
        --before: #656d77; --after: #6aa5e8; --chosen: #4fbf98; --rejected: #e8856a; --heat: #ff6a3d;
        --under: #e8856a1c; --good: #4fbf98; --bad: #e8856a; --target: #4fd0a3;
        --t0: #6aa5e8; --t1: #3f6ea3; --t2: #4fbf98; --t3: #d9b04f; --t4: #e8856a; --t5: #ab93d0;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--page); color: var(--text);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
    }
    main { max-width: 1140px; margin: 0 auto; padding: 40px 24px 72px; }
    h1 { font-size: 34px; line-height: 1.15; letter-spacing: -0.015em; margin: 2px 0 16px; overflow-wrap: anywhere; }
    h2 { font-size: 21px; letter-spacing: -0.01em; margin: 0 0 6px; }
    h3 { font-size: 15px; margin: 24px 0 10px; color: var(--muted); font-weight: 600; }
    section { margin-top: 52px; }
    .kicker { margin: 0; font-size: 12px; letter-spacing: 0.09em; text-transform: uppercase; color: var(--muted); }
    .lead { max-width: 76ch; margin: 0 0 18px; color: var(--muted); }
    .note { margin: 8px 0 0; font-size: 12.5px; line-height: 1.45; color: var(--muted); }
    .facts { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 0 18px; }
    .facts dt { font-size: 12px; color: var(--muted); }
    .facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .times { display: flex; height: 8px; gap: 2px; border-radius: 4px; overflow: hidden; margin-bottom: 8px; }
    .times i { display: block; min-width: 2px; }
    .legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12.5px; color: var(--muted); margin: 0 0 6px; }
    .key { display: inline-flex; align-items: center; gap: 6px; }
    .key i { width: 11px; height: 11px; border-radius: 2.5px; display: inline-block; }
    .key i.blind { height: 0; border-top: 2px dashed var(--text); border-radius: 0; opacity: 0.65; width: 14px; }
    .key i.under { background: var(--under); border: 1px dashed var(--rejected); }
    i.t0 { background: var(--t0); } i.t1 { background: var(--t1); } i.t2 { background: var(--t2); }
    i.t3 { background: var(--t3); } i.t4 { background: var(--t4); } i.t5 { background: var(--t5); }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 16px; margin-top: 30px; }
    .tile, figure:not(.pair):not(.thumb), .card, .missing, details {
      background: var(--card); border: 1px solid var(--line); border-radius: 10px;
    }
    .tile { padding: 16px 20px 14px; }
    .tile p { margin: 0; color: var(--muted); font-size: 13.5px; }
    .tile strong {
      display: block; font-size: 31px; line-height: 1.3; letter-spacing: -0.02em; font-variant-numeric: tabular-nums;
    }
    .tile .was { color: var(--faint); font-weight: 500; }
    .tile small { font-size: 17px; color: var(--muted); font-weight: 500; }
    .tile .delta { font-weight: 600; font-variant-numeric: tabular-nums; }
    .tile .delta span { font-weight: 400; color: var(--muted); }
    .good, .tile .good { color: var(--good); } .bad, .tile .bad { color: var(--bad); }
    .verdict { font-size: 17px; max-width: 76ch; margin: 20px 0 0; }
    nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 26px; font-size: 13.5px; }
    a { color: var(--after); text-decoration: none; } a:hover { text-decoration: underline; }
    .progress .underWay { color: var(--text); }
    .provenance th { font-weight: 500; color: var(--muted); width: 1%; }
    .provenance td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
    .files { margin: 0; padding-left: 20px; color: var(--muted); font-size: 13.5px; }
    .missing { margin-top: 24px; padding: 14px 20px; border-left: 4px solid var(--t3); }
    .missing p { margin: 0; font-weight: 600; } .missing ul { margin: 4px 0 0; padding-left: 20px; color: var(--muted); }
    .scroll { overflow-x: auto; margin-bottom: 20px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; background: var(--card); }
    th, td { padding: 7px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
    thead th { font-size: 12.5px; font-weight: 500; color: var(--muted); vertical-align: bottom; }
    tbody th { text-align: left; font-weight: 600; }
    tr.part th { font-weight: 400; color: var(--muted); padding-left: 28px; }
    tr.part td { font-size: 13.5px; padding-top: 3px; padding-bottom: 3px; } tr.part b { font-weight: 500; }
    tr.sum th, tr.sum td { border-top: 2px solid var(--line); border-bottom: none; }
    .range { color: var(--muted); font-size: 13px; margin-left: 4px; } td.zero { color: var(--faint); }
    .answers-table th, .answers-table td { text-align: left; white-space: normal; vertical-align: top; }
    .answers-table td:first-child { white-space: nowrap; color: var(--muted); }
    .thumbs { display: flex; flex-wrap: wrap; gap: 4px; width: 130px; } .thumbs .small { width: 40px; }
    .thumbs .small:only-child { width: 84px; } .thumbs .target svg { outline: 2px solid var(--target); }
    td.chosen, dd.chosen { color: var(--chosen); } td.rejected, dd.rejected { color: var(--rejected); }
    td small { color: var(--muted); }
    .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr)); gap: 16px; }
    .figures .wide { grid-column: 1 / -1; }
    .figures.thirds { grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); }
    .small-multiples svg { max-width: 360px; } .small-multiples + .attention { margin-top: 16px; }
    .figures + .figures, .small-multiples + .figures, .scroll + .figures { margin-top: 16px; }
    .figures .wide { overflow-x: auto; } .figures .wide svg { min-width: 960px; }
    figure { margin: 0; min-width: 0; }
    .figures figure { padding: 14px 16px 12px; }
    .figures figcaption, .small-multiples figcaption { font-weight: 600; font-size: 14px; margin-bottom: 2px; }
    .small-multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 12px; }
    .small-multiples figure { padding: 10px 12px 6px; }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    svg text { fill: var(--muted); font-size: 11px; font-family: inherit; font-variant-numeric: tabular-nums; }
    svg .value {
      fill: var(--text); font-size: 10.5px; paint-order: stroke; stroke: var(--card); stroke-width: 3px;
      stroke-linejoin: round;
    }
    .tip { fill: transparent; } .tip:hover { fill: var(--text); opacity: 0.08; }
    svg .group { fill: var(--text); font-size: 12px; }
    svg .heading { font-size: 12px; font-weight: 600; } svg .tau { fill: var(--text); font-weight: 600; }
    .grid { stroke: var(--line); stroke-width: 1; } .axis { stroke: var(--faint); stroke-width: 1; }
    .reference { stroke: var(--faint); stroke-dasharray: 4 4; }
    .curve, .raw { fill: none; stroke-width: 1.9; stroke-linejoin: round; stroke-linecap: round; }
    .raw { stroke-width: 1; opacity: 0.28; }
    .whisker { stroke: var(--text); stroke-width: 1.2; fill: none; opacity: 0.75; }
    .blind { stroke: var(--text); stroke-width: 1.6; stroke-dasharray: 4 3; fill: none; opacity: 0.65; }
    .threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 4 3; } rect.under { fill: var(--under); }
    .curve.before, .raw.before { stroke: var(--before); } .bar.before, .dot.before { fill: var(--before); }
    .curve.after, .raw.after { stroke: var(--after); } .bar.after, .dot.after { fill: var(--after); }
    .curve.chosen, .raw.chosen { stroke: var(--chosen); } .dot.chosen { fill: var(--chosen); }
    .curve.rejected, .raw.rejected { stroke: var(--rejected); } .dot.rejected { fill: var(--rejected); }
    .bar.wrong { fill: var(--rejected); } .bar.right { fill: var(--before); }
    .dot.s0, .bar.s0 { fill: var(--t0); } .dot.s1, .bar.s1 { fill: var(--t2); }
    .dot.s2, .bar.s2 { fill: var(--t3); } .dot.s3, .bar.s3 { fill: var(--t5); }
    .key i.s0 { background: var(--t0); } .key i.s1 { background: var(--t2); }
    .key i.s2 { background: var(--t3); } .key i.s3 { background: var(--t5); }
    .key i.before, .key i.right { background: var(--before); } .key i.after { background: var(--after); }
    .key i.chosen { background: var(--chosen); } .key i.rejected, .key i.wrong { background: var(--rejected); }
    .attention { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(255px, 100%), 1fr)); gap: 16px; }
    .sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 16px; }
    .card { padding: 14px 16px; font-size: 13.5px; min-width: 0; } .card.wide { grid-column: span 2; }
    @media (max-width: 760px) { .card.wide { grid-column: auto; } }
    .card p { margin: 0; } .card .meta { color: var(--muted); font-size: 12.5px; overflow-wrap: anywhere; }
    .attention .meta { margin-bottom: 10px; } .sheet .meta { margin-top: 8px; }
    .tag { background: var(--line); color: var(--text); border-radius: 4px; padding: 1px 7px; margin-right: 4px; }
    .outcome { white-space: nowrap; } .outcome::before { content: "· "; }
    .maps { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 132px); gap: 8px; }
    .maps.one { display: block; } .maps.one .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; max-width: 290px; }
    .pair svg + svg { margin-top: 6px; } .maps.one .pair svg + svg { margin-top: 0; }
    .pair figcaption, .thumb figcaption { font-size: 11.5px; color: var(--muted); margin-top: 3px; line-height: 1.3; }
    .pair svg, .thumb svg { border-radius: 4px; overflow: hidden; background: var(--page); }
    .pair.target svg, .thumb.target svg { outline: 2.5px solid var(--target); outline-offset: 1px; }
    .pair.target figcaption, .thumb.target figcaption { color: var(--target); font-weight: 600; margin-top: 5px; }
    .pixels { image-rendering: pixelated; } .greyed { filter: saturate(0.35); }
    .heat { fill: var(--heat); } .region { fill: none; stroke: var(--target); stroke-width: 2.2; }
    .heatbar { display: flex; align-items: center; gap: 6px; margin-top: 6px; font-size: 11.5px; color: var(--muted); }
    .heatbar i { width: 60px; height: 8px; border-radius: 2px; border: 1px solid var(--line);
      background: linear-gradient(to right, transparent, var(--heat)); }
    .absent { border: 1px dashed var(--faint); }
    .strip { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; } .strip.one { display: block; max-width: 220px; }
    .prompt { margin-top: 10px !important; }
    .mark {
      font-style: normal; font-size: 10.5px; color: var(--muted); border: 1px solid var(--line); border-radius: 3px;
      padding: 0 4px; margin: 0 1px;
    }
    .answers { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; margin: 6px 0 0; }
    .answers dt { color: var(--muted); } .answers dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
    details { padding: 12px 18px; margin-top: 12px; } summary { cursor: pointer; }
    pre { overflow-x: auto; font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    @media (max-width: 620px) {
      main { padding: 24px 14px 48px; }
      table.results th, table.results td { padding: 6px 6px; font-size: 13.5px; }
      table.results th:first-child { white-space: normal; }
      .range { display: block; margin: 0; font-size: 11.5px; }
      .scroll { border-right: 2px solid var(--line); }
    }
    @media print { body { background: none; } section { break-inside: avoid; } }

    """

  /// A whole page of its own: nothing comes from elsewhere.
  static func page(title: String, _ body: HTML) -> String {
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      \(ReportMark.line)
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title)</title>
      <style>
      \(css)</style>
      </head>
      <body>
      <main>
      \(body)</main>
      </body>
      </html>

      """
    return page.source
  }
}
