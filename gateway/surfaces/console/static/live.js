// A page whose main element has data-live follows the gateway's events: when something happened,
// the page is asked for anew, and the parts (data-part) that differ are replaced. What somebody is
// working in stays as it is.

const WRITING = "input:not([type=checkbox]), textarea, select";
const PAUSE = 250; // milliseconds in which events are gathered to one look
const AGAIN = 2; // seconds between looks at what goes on without events
const SILENT = 15; // seconds between looks for changes that no event tells of, such as a pause

export function followEvents() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const stream = new EventSource(`/console/live${main.dataset.live}`);
  let waiting = null;
  const look = () => {
    waiting ??= setTimeout(() => {
      waiting = null;
      refresh().catch(() => {});
    }, PAUSE);
  };
  setInterval(() => document.hidden || look(), SILENT * 1000);
  stream.addEventListener("next", (event) => {
    if (JSON.parse(event.data).errors) stream.close();
    look();
  });
  stream.addEventListener("complete", () => {
    stream.close();
    // The session or the caller's rights changed. To reload would send a form again.
    setTimeout(() => location.replace(location.pathname + location.search), 2000);
  });
  let wasAway = false;
  stream.addEventListener("error", () => {
    wasAway = true;
  });
  stream.addEventListener("open", () => {
    if (wasAway) look();
    wasAway = false;
  });
}

// What goes on without events (data-again, inside of a part) is looked at again every so many
// seconds until it is over, while somebody sees the page.
export function lookAgain() {
  const going = document.querySelector("[data-part] [data-again]");
  if (!going) return;
  setTimeout(() => {
    const look = document.hidden ? Promise.resolve() : refresh();
    look.catch(() => {}).finally(lookAgain);
  }, (Number(going.dataset.again) || AGAIN) * 1000);
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.redirected) {
    location.assign(answer.url); // the session is over
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const found = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!found || isInUse(part)) continue;
    keepChoices(part, found);
    if (found.innerHTML !== part.innerHTML) replace(part, found);
  }
}

function isInUse(part) {
  if (part.querySelector("dialog[open]")) return true;
  return part.contains(document.activeElement) && document.activeElement.matches(WRITING);
}

// What somebody opened stays open, what they chose stays chosen.
function keepChoices(part, found) {
  for (const details of part.querySelectorAll("details[id]")) {
    const fresh = found.querySelector(`#${CSS.escape(details.id)}`);
    if (fresh) fresh.open = details.open;
  }
  for (const box of part.querySelectorAll("input[type=checkbox][id]")) {
    const fresh = found.querySelector(`#${CSS.escape(box.id)}`);
    if (fresh) fresh.checked = box.checked;
  }
}

function replace(part, found) {
  const focused = part.contains(document.activeElement) ? document.activeElement.closest("[id]")?.id : "";
  const places = [...part.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  part.replaceChildren(...found.childNodes);
  part.querySelectorAll(".scroll").forEach((box, at) => places[at] && box.scrollTo(...places[at]));
  if (focused) (document.getElementById(focused) ?? document.getElementById("main")).focus({ preventScroll: true });
  const said = found.dataset.said;
  if (said && said !== part.dataset.said) {
    part.dataset.said = said;
    document.getElementById("told").textContent = said;
  }
}
