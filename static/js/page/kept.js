// Codes that a shopper keeps on this phone, each with what its page said then. They lie in this browser alone.

const PLACE = "rootmark.saved/v1";
/** Codes that are kept: a list that nobody can overlook helps nobody. */
export const MOST_KEPT = 100;

const isText = value => typeof value === "string";

/** Whether somebody else has written there. */
function isKept(code) {
  const words = ["path", "name", "elements", "origin", "saved", "seen", "lang", "title", "tone"];
  return code !== null && typeof code === "object" && words.every(name => isText(code[name]))
    && code.path.startsWith("/01/")
    && Array.isArray(code.recalls) && code.recalls.every(isText)
    && Array.isArray(code.steps) && code.steps.every(isText)
    && ["times", "changes", "reviews"].every(name => Number.isSafeInteger(code[name]))
    && (code.receipt === null || (isText(code.receipt) && Number.isSafeInteger(code.number)));
}

/**
 * All of them, the last one kept first: `{ path, name, elements, origin, saved, seen, lang, title, tone, recalls, steps, times, changes,
 * reviews, number, receipt }`. Nothing where this browser keeps nothing.
 */
export function keptCodes() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE));
    return Array.isArray(kept) ? kept.filter(isKept).slice(0, MOST_KEPT) : [];
  } catch (error) {
    return [];
  }
}

/** What is kept of the code with this path; null where it is not. */
export function keptCode(path) {
  return keptCodes().find(code => code.path === path) || null;
}

function store(codes) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(codes));
    return true;
  } catch (error) {
    return false;
  }
}

/** Whether anything can be kept here. */
export function canKeep() {
  return store(keptCodes());
}

/** Keeps a code, or what is known of it now, in its place; "kept", "full", or "refused" where this browser keeps nothing. */
export function keepOnPhone(code) {
  const codes = keptCodes();
  const place = codes.findIndex(other => other.path === code.path);
  if (place >= 0) {
    codes[place] = code;
  } else if (codes.length >= MOST_KEPT) {
    return "full";
  } else {
    codes.unshift(code);
  }
  return store(codes) ? "kept" : "refused";
}

/** Forgets a code, its receipt too; gives back what was kept of it. */
export function forget(path) {
  const codes = keptCodes();
  const code = codes.find(other => other.path === path) || null;
  store(codes.filter(other => other !== code));
  return code;
}

/** A link that saves a receipt as a file. */
export function receiptLink(code, words) {
  const link = document.createElement("a");
  link.textContent = words;
  link.href = URL.createObjectURL(new Blob([code.receipt], { type: "text/plain" }));
  link.download = `rootmark-${code.path.split("/").pop().replace(/[^A-Za-z0-9-]/g, "_")}-${code.number}.tlog-proof`;
  return link;
}
