// The page of the preview: the diagram, and a script that highlights boxes and sends clicks.

const STYLE = `
  body { margin: 0; padding: 8px; background: var(--vscode-editor-background); }
  svg { max-width: 100%; height: auto; }
  [data-lines] { cursor: pointer; }
  .at-cursor path, .at-cursor polygon { stroke: var(--vscode-focusBorder, #0a66c2); stroke-width: 3; }
  #problem { color: var(--vscode-errorForeground); font-family: var(--vscode-font-family); white-space: pre-wrap; }
`;

const SCRIPT = `
  const host = acquireVsCodeApi();
  const boxes = [...document.querySelectorAll("[data-lines]")];
  const lines = (box) => box.dataset.lines.split(" ").map(Number);
  function highlight(line) {
    let first;
    for (const box of boxes) {
      const there = lines(box).includes(line);
      box.classList.toggle("at-cursor", there);
      first ??= there ? box : undefined;
    }
    first?.scrollIntoView({ block: "nearest" });
  }
  for (const box of boxes) box.addEventListener("click", () => host.postMessage({ line: lines(box)[0] }));
  window.addEventListener("message", ({ data }) => {
    document.getElementById("problem").textContent = data.problem ?? "";
    if (data.line) highlight(data.line);
  });
  highlight(LINE);
`;

/** Return the page for a picture. `line`, counted from 1, is where the cursor is. */
function page(picture, line) {
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const svg = picture.replace(/^<\?xml[^>]*\?>/, "");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'">
<style>${STYLE}</style>
</head>
<body>
<div id="problem" role="status"></div>
${svg}
<script nonce="${nonce}">${SCRIPT.replace("LINE", String(Number(line)))}</script>
</body>
</html>`;
}

module.exports = { page };
