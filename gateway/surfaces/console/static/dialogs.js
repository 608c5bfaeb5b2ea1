// Buttons with data-opens show the dialog of that id; without scripts dialogs stay closed and the
// page's own forms serve.

export function openDialogs() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-opens], [data-closes]");
    if (!button) return;
    if (button.dataset.opens) show(button.dataset.opens);
    else button.closest("dialog")?.close();
  });
}

export function show(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("textarea, input:not([type=hidden])")?.focus();
}
