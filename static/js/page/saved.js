// A code that is kept on this phone: with the proof of its look-up, and, when it is opened again, with what has changed.

import { verifyBundle } from "../auditlog/bundle.js";
import { Fault, toUtf8 } from "../auditlog/bytes.js";
import { stringValue } from "../auditlog/field.js";
import { parseKey } from "../auditlog/note.js";
import { verifyStatementProof } from "../auditlog/proof.js";
import { dayOf, element, filled, grouped } from "./checklist.js";
import { canKeep, forget, keepOnPhone, keptCode, MOST_KEPT, receiptLink } from "./kept.js";
import { fetched, fetchedText, remember, remembered, trustFor, Unreachable } from "./memory.js";

/** How often a receipt is asked for, and with how much time in between: what was counted is sealed within a second. */
const TRIES = 12;
const PAUSE_MS = 700;

const allIn = (page, selector) => Array.from(page.querySelectorAll(selector));
const all = selector => allIn(document, selector);
const textIn = (page, selector) => {
  const found = page.querySelector(selector);
  return found ? found.textContent.trim() : "";
};
const textOf = selector => textIn(document, selector);

/** What a page says, as far as it is compared with later. */
function said(page) {
  const band = Array.from(page.querySelector(".band").classList).find(name => name.startsWith("band-"));
  return {
    lang: page.documentElement.lang,
    title: textIn(page, ".band h1"),
    tone: band.slice("band-".length),
    recalls: allIn(page, "[data-recall]").map(recall => recall.dataset.recall),
    steps: allIn(page, ".step").map(step => {
      const time = step.querySelector("time");
      return time ? time.getAttribute("datetime") : "";
    }),
    times: Number(page.querySelector(".scans").dataset.times),
    changes: allIn(page, "[aria-labelledby=history] .docs > li").length,
    reviews: allIn(page, "[aria-labelledby=reviews] .docs > li").length,
  };
}

/** What the page says now. A browser that goes back shows one of before, so whatever went back is asked for once more. */
async function saidNow(old) {
  const shown = said(document);
  const wentBack = shown.times < old.times || old.recalls.some(recall => !shown.recalls.includes(recall));
  if (!wentBack) {
    return shown;
  }
  const answer = await fetch(location.href, { cache: "reload", credentials: "omit" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  return fresh.querySelector(".scans") ? said(fresh) : shown;
}

/** The keys by which a receipt is judged: those that this phone remembers, or those of the page's proof, which it then remembers. */
async function keysFor(origin) {
  const kept = remembered(origin);
  if (kept) {
    const vkey = await fetchedText("/log/vkey");
    const trust = vkey && await trustFor(kept, vkey.trim(), kept.storyVkey);
    if (!trust) {
      throw new Fault("another key than this phone remembers");
    }
    return trust;
  }
  const bytes = await fetched(document.querySelector("[data-proof]").getAttribute("href"));
  const { bundle } = bytes ? await parsed(bytes) : { bundle: null };
  if (!bundle || bundle.origin !== origin) {
    throw new Fault("the proof is of another log");
  }
  const now = new Date().toISOString();
  const { vkey, storyVkey, checkpoint } = bundle;
  remember(origin, { vkey, storyVkey, checkpoint, since: now, seen: now });
  return { log: parseKey(vkey) };
}

async function parsed(bytes) {
  let bundle = null;
  await verifyBundle(bytes, {}, async (step, found) => {
    bundle = step === "text" ? found : bundle;
  });
  return { bundle };
}

/** That a receipt proves this very look-up of this very code. */
async function judgeReceipt(text, number, path, trust) {
  const { statement } = await verifyStatementProof(toUtf8(text), trust);
  const value = name => statement.content.value(name);
  const isIt = stringValue(value("/kind")) === "scan"
    && stringValue(value("/body/code")) === `https://id.gs1.org${path}`
    && value("/body/number") === String(number);
  if (!isIt) {
    throw new Fault("the receipt is of something else");
  }
}

/** The receipt of this phone's look-up once it is in the log; null where it has none. */
async function receiptOf(lookUp) {
  for (let i = 0; i < TRIES; i += 1) {
    // No connection, or a service that fails: whatever else goes wrong is told as such.
    const answer = await lookUp().catch(() => { throw new Unreachable("the look-up"); });
    if (!answer || answer.number === null) {
      return null;
    }
    if (answer.receipt) {
      return { number: answer.number, text: answer.receipt, times: answer.times };
    }
    await new Promise(done => setTimeout(done, PAUSE_MS));
  }
  throw new Unreachable("the receipt");
}

/** Shows what came of it below the link, and offers to undo it. */
class KeepLink {
  constructor(link, texts) {
    this.link = link;
    this.texts = texts;
    const old = document.querySelector(".keep-said");
    this.status = old || link.parentNode.insertAdjacentElement("afterend", element("p", "keep-said"));
    this.status.setAttribute("role", "status");
  }

  say(words) {
    this.status.textContent = words;
  }

  add(link) {
    this.status.append(" ");
    this.status.appendChild(link);
  }

  /** Once it is kept, the link leads to all that are. */
  isKept(code, words) {
    this.link.textContent = this.texts.kept_link;
    this.link.dataset.keep = "kept";
    if (words) {
      this.say(words);
    }
    if (words && code.receipt !== null) {
      this.add(receiptLink(code, this.texts.receipt_save));
    }
    if (words) {
      const undo = element("button", "link", this.texts.keep_undo);
      undo.type = "button";
      undo.addEventListener("click", () => {
        forget(code.path);
        this.link.textContent = this.texts.keep_link;
        this.link.dataset.keep = "";
        this.say(this.texts.keep_undone);
        this.link.focus();
      });
      this.add(undo);
    }
  }
}

/** Keeps the page's code. `lookUp` counts this look-up, if it was not counted yet, and asks for its receipt. */
export async function keepCode(line, link, texts, lookUp) {
  const shown = new KeepLink(link, texts);
  if (!canKeep()) {
    shown.say(texts.keep_refused);
    return;
  }
  shown.say(texts.keep_working);
  const origin = textOf("[data-origin]");
  const now = new Date().toISOString();
  const code = Object.assign(said(document), {
    path: line.dataset.item,
    name: textOf(".id h2") || textOf("h2"),
    elements: all(".mrz span").map(part => part.textContent).join(" "),
    origin,
    saved: now,
    seen: now,
    number: null,
    receipt: null,
  });
  let words = texts.kept_plain;
  try {
    const receipt = await receiptOf(lookUp);
    if (receipt) {
      await judgeReceipt(receipt.text, receipt.number, code.path, await keysFor(origin));
      Object.assign(code, { number: receipt.number, receipt: receipt.text, times: receipt.times });
      words = filled(texts.kept_receipt, { n: grouped(receipt.number) });
    }
  } catch (error) {
    if (!(error instanceof Unreachable)) {
      // A receipt that proves nothing is worse than none: what is shown is not what is in the log.
      shown.say(texts.keep_false);
      shown.status.dataset.reason = error.message;
      return;
    }
    words = texts.kept_later;
  }
  const kept = keepOnPhone(code);
  if (kept === "kept") {
    shown.isKept(code, words);
  } else {
    shown.say(kept === "full" ? filled(texts.keep_full, { n: MOST_KEPT }) : texts.keep_refused);
  }
}

/** What the page says otherwise than when the code was kept, or last opened: each in a sentence, recalls first. */
function changesSince(old, now, texts) {
  const sentences = [];
  const tell = (key, values) => sentences.push(filled(texts[key], values));
  const news = (list, known) => list.filter(one => !known.includes(one)).length;
  if (news(now.recalls, old.recalls) > 0) {
    tell("since_recalled", {});
  }
  if (news(old.recalls, now.recalls) > 0) {
    tell("since_recall_over", {});
  }
  if (now.tone !== old.tone) {
    tell(now.lang === old.lang ? "since_verdict" : "since_verdict_now", { old: old.title, now: now.title });
  }
  const known = old.steps.slice();
  const added = now.steps.filter(step => {
    const place = known.indexOf(step);
    if (place >= 0) {
      known.splice(place, 1);
    }
    return place < 0;
  });
  if (added.length > 0) {
    tell("since_steps", { n: grouped(added.length) });
  }
  if (now.changes > old.changes) {
    tell("since_changes", {});
  }
  if (now.reviews > old.reviews) {
    tell("since_reviews", {});
  }
  if (now.times > old.times) {
    tell("since_scans", { n: grouped(now.times - old.times), times: grouped(now.times) });
  }
  return sentences;
}

/** Tells of a code that this phone keeps what has changed, above all that the page says of it; and remembers what it says now. */
export async function tellChanges(line, link, texts) {
  if (!keptCode(line.dataset.item)) {
    return;
  }
  const now = await saidNow(keptCode(line.dataset.item));
  // This phone's own look-up may have been counted meanwhile.
  now.times = Math.max(now.times, Number(line.dataset.times));
  const old = keptCode(line.dataset.item);
  if (!old) {
    return;
  }
  if (old.receipt !== null) {
    new KeepLink(link, texts).isKept(old, "");
  } else {
    link.textContent = texts.keep_again;
  }
  const box = element("section", "since");
  box.appendChild(element("h2", "", filled(texts.since, { date: dayOf(old.seen) })));
  if (now.times < old.times) {
    // Look-ups are only ever added: of fewer, some were taken away.
    box.classList.add("since-fewer");
    const words = filled(texts.since_fewer, { old: grouped(old.times), now: grouped(now.times) });
    box.appendChild(element("p", "", words));
    if (old.receipt !== null) {
      box.appendChild(element("p", "actions")).appendChild(receiptLink(old, texts.receipt_save));
    }
  }
  const sentences = changesSince(old, now, texts);
  const list = box.appendChild(element("ul", "notes"));
  (sentences.length > 0 ? sentences : [texts.since_nothing]).forEach(sentence => {
    list.appendChild(element("li", "", sentence));
  });
  const sheet = document.querySelector(".sheet");
  sheet.insertBefore(box, sheet.firstChild);
  // The highest count that was seen is what later ones must not fall below.
  const times = Math.max(now.times, old.times);
  keepOnPhone(Object.assign({}, old, now, { times, seen: new Date().toISOString() }));
}
