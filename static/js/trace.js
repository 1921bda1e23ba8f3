// The page of a code: offers to verify it on this phone, and looks whether the log has only grown since the last time. What
// that takes is fetched when somebody asks for it, or when this phone remembers the log.

const section = document.querySelector("[data-check]");

/** The verifier and its words, once. */
let loading = null;

const own = new URL(document.querySelector("script[src^='/static/trace.js']").src);
/** How often it could not be fetched: browsers remember that an address failed, and ask for it no more. */
let failures = 0;

/** An address beside this script's own, of the same build. */
function beside(name) {
  const again = failures > 0 ? `&again=${failures}` : "";
  return new URL(name + own.search + again, own).href;
}

function load() {
  const words = beside(`check.${document.documentElement.lang}.json`);
  loading = loading || Promise.all([import(beside("verify.js")), fetch(words).then(answer => answer.json())])
    .then(([, texts]) => ({ verifier: window.auditlog, texts }))
    .catch(error => {
      loading = null;
      failures += 1;
      throw error;
    });
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
    status.className = "said said-fail";
    status.textContent = button.dataset.lost;
  }
  try {
    if (loaded) {
      await loaded.verifier.checkStory(section, loaded.texts);
    }
  } finally {
    delete section.dataset.busy;
  }
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

/** Names that could not be kept: they last as long as the page. */
const unkept = {};

/** What this phone calls itself for this code today: another name for each code and each day, so that nobody can follow it. */
function nameForToday(path) {
  const bytes = new Uint8Array(16);
  if (window.crypto && crypto.getRandomValues) {
    crypto.getRandomValues(bytes);
  } else {
    bytes.forEach((_, i) => { bytes[i] = Math.random() * 256; });
  }
  const fresh = btoa(String.fromCharCode(...bytes));
  const place = "rootmark.scans/v1";
  const today = new Date().toISOString().slice(0, 10);
  try {
    const kept = JSON.parse(localStorage.getItem(place)) || {};
    const names = kept.day === today ? kept.names : {};
    names[path] = names[path] || fresh;
    localStorage.setItem(place, JSON.stringify({ day: today, names }));
    return names[path];
  } catch (error) {
    // Nothing can be kept: on another page it is another phone.
    unkept[path] = unkept[path] || fresh;
    return unkept[path];
  }
}

/**
 * Says that the page is in front of somebody, once it has been for a second; and how often it was, in the band. What was
 * answered, with the receipt where one is wanted and there; null where nobody was counted.
 */
async function countLookUp(line, receipt = false) {
  const path = line.dataset.item;
  const answer = await fetch(`/scans${path}?lang=${document.documentElement.lang}`, {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ phone: nameForToday(path), receipt }),
  });
  if (answer.status >= 500) {
    throw new Error(`the service answered ${answer.status}`);
  }
  if (answer.status !== 200) {
    return null;
  }
  const counted = await answer.json();
  line.textContent = counted.said;
  line.dataset.number = counted.number === null ? "" : counted.number;
  line.dataset.times = counted.times;
  if (counted.counted) {
    countOwn(path);
  }
  return counted;
}

/** This phone's own look-up is no news of a code that it keeps. */
function countOwn(path) {
  try {
    const codes = JSON.parse(localStorage.getItem("rootmark.saved/v1")) || [];
    codes.filter(code => code.path === path).forEach(code => { code.times += 1; });
    localStorage.setItem("rootmark.saved/v1", JSON.stringify(codes));
  } catch (error) {
    // What is not kept need not be counted.
  }
}

function whenSeen(task) {
  let timer = null;
  const look = () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible" && !document.prerendering) {
      timer = setTimeout(() => {
        document.removeEventListener("visibilitychange", look);
        task();
      }, 1000);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
}

/** Whether this phone keeps the code, as far as that is known before anything is fetched. */
function isKept(path) {
  try {
    return (localStorage.getItem("rootmark.saved/v1") || "").includes(JSON.stringify(path));
  } catch (error) {
    return false;
  }
}

/** Offers to keep the code, and tells of one that is kept what has changed. */
function offerToKeep(line, link) {
  link.addEventListener("click", event => {
    if (link.dataset.keep === "kept" || link.dataset.busy !== undefined) {
      return;
    }
    event.preventDefault();
    link.dataset.busy = "";
    load()
      .then(({ verifier, texts }) => verifier.keepCode(line, link, texts, () => countLookUp(line, true)))
      // Without it the link leads where it leads without any script.
      .catch(() => { location.href = link.href; })
      .then(() => { delete link.dataset.busy; });
  });
  if (isKept(line.dataset.item)) {
    whenIdle(() => load().then(({ verifier, texts }) => verifier.tellChanges(line, link, texts)));
  }
}

/** After the page itself: a reader waits for nothing. */
function whenIdle(task) {
  const idle = window.requestIdleCallback || (then => setTimeout(then, 500));
  // Nor is anything told to nobody: a page that is fetched ahead, or lies behind another, waits.
  const isSeen = () => document.visibilityState === "visible" && !document.prerendering;
  const begin = () => {
    if (isSeen()) {
      idle(() => task().catch(() => {}));
    } else {
      document.addEventListener("visibilitychange", begin, { once: true });
    }
  };
  if (document.readyState === "complete") {
    begin();
  } else {
    addEventListener("load", begin);
  }
}

const line = document.querySelector(".scans");
if (line) {
  offerToKeep(line, document.querySelector("[data-keep]"));
}
// A browser that a program drives shows the page to nobody.
if (line && !navigator.webdriver) {
  whenSeen(() => countLookUp(line).catch(() => {}));
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
    whenIdle(() => witness(origin));
  }
}
