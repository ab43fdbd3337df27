// Copying and printing, which need scripts: their buttons are shown only with them.

export function tools(root) {
  show(root);
  document.addEventListener("osler:answered", () => show(root));
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-print]");
    if (!button) return;
    if (button.hasAttribute("data-print")) {
      window.print();
      return;
    }
    const response = await fetch(button.dataset.copy);
    await navigator.clipboard.writeText(await response.text());
    button.textContent = "Copied";
  });
}

function show(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden], [data-print][hidden]")) button.hidden = false;
}
