// The page of a code: offers to verify it on this phone, and looks whether the log has only grown since the last time. What
// that takes is fetched when somebody asks for it, or when this phone remembers the log.

const section = document.querySelector("[data-check]");

/** The verifier and its words, once. */
let loading = null;

/** An address beside this script's own, of the same build. */
const beside = name => new URL(name + new URL(import.meta.url).search, import.meta.url).href;

function load() {
  const words = beside(`check.${document.documentElement.lang}.json`);
  loading = loading || Promise.all([import(beside("verify.js")), fetch(words).then(answer => answer.json())])
    .then(([, texts]) => ({ verifier: window.auditlog, texts }));
  return loading;
}

async function verify(button) {
  const status = section.querySelector("[role=status]");
  section.dataset.busy = "";
  status.className = "said";
  status.textContent = button.dataset.wait;
  let loaded = null;
  try {
    loaded = await load();
  } catch (error) {
    // It could not be fetched: the next press tries again.
    loading = null;
    status.className = "said said-fail";
    status.textContent = button.dataset.lost;
  }
  if (loaded) {
    await loaded.verifier.checkStory(section, loaded.texts);
  }
  delete section.dataset.busy;
}

async function witness(origin) {
  const { verifier, texts } = await load();
  section.dataset.witnessed = await verifier.witnessLog(origin, texts);
}

/** Whether this phone remembers a log of this name: asked before anything is fetched. */
function isRemembered(origin) {
  try {
    return localStorage.getItem(`rootmark.log/v1 ${origin}`) !== null;
  } catch (error) {
    return false;
  }
}

if (section) {
  // Without this script it leads to the page that checks files.
  const button = section.querySelector(".button");
  button.setAttribute("role", "button");
  button.addEventListener("click", event => {
    event.preventDefault();
    if (section.dataset.busy === undefined) {
      verify(button);
    }
  });
  // A link is not pressed by the space bar, and a button is.
  button.addEventListener("keydown", event => {
    if (event.key === " ") {
      event.preventDefault();
      button.click();
    }
  });
  const origin = document.querySelector("[data-origin]").textContent;
  if (isRemembered(origin)) {
    // After the page itself: a reader waits for nothing.
    const idle = window.requestIdleCallback || (task => setTimeout(task, 500));
    addEventListener("load", () => idle(() => witness(origin).catch(() => {})));
  }
}
