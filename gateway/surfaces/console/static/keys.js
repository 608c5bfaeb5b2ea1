// Keys for what is in focus: an element with data-keys="a:open-dialog-id r:other-id" shows that
// dialog, j and k go through the elements with data-item. Nothing is taken while somebody types.
import { show } from "./dialogs.js";

const WRITING = "input, textarea, select, [contenteditable]";

export function takeKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || event.target.closest(WRITING)) return;
    if (event.key === "j" || event.key === "k") {
      if (go(event.key === "j" ? 1 : -1)) event.preventDefault();
      return;
    }
    const opened = dialogOf(event.target, event.key);
    if (opened) {
      event.preventDefault();
      show(opened);
    }
  });
}

function dialogOf(target, key) {
  const keys = target.closest("[data-keys]")?.dataset.keys ?? "";
  const found = keys.split(" ").find((one) => one.startsWith(`${key}:`));
  return found?.slice(2);
}

function go(by) {
  const items = [...document.querySelectorAll("[data-item]")];
  if (items.length === 0) return false;
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), items.length - 1);
  items[next].focus();
  return true;
}
