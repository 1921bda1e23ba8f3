// "Verify on this phone": fetches the proof of the page's code, recomputes all of it, compares it with what the page
// says and with what this phone remembers of the log.

import { verifyBundle } from "../auditlog/bundle.js";
import { Fault } from "../auditlog/bytes.js";
import { stringValue } from "../auditlog/field.js";
import { fingerprintOf } from "../auditlog/note.js";
import { ed25519Engine } from "../auditlog/signature.js";
import { CheckList, dayOf, element, filled, grouped, telling } from "./checklist.js";
import {
  fetched, fetchedText, follow, keysOf, remember, remembered, rememberedOrigins, Split, trustFor, Unreachable,
} from "./memory.js";

/** What the page says is not what the proof says. */
class Mismatch extends Error {}

class StoryCheck {
  constructor(section, texts) {
    this.section = section;
    this.texts = texts;
    this.status = section.querySelector("[role=status]");
    section.querySelectorAll(".checks, .check-result").forEach(old => old.remove());
    this.checks = new CheckList(section.appendChild(element("ol", "checks")), texts);
    this.result = section.appendChild(element("div", "check-result"));
    this.stage = "fetch";
    this.bundle = null;
    this.kept = null;
    this.position = 0;
  }

  async run() {
    document.querySelectorAll(".alarm").forEach(old => old.remove());
    document.querySelectorAll(".proven, .disproven").forEach(step => step.classList.remove("proven", "disproven"));
    this.say(this.texts.working);
    try {
      const found = await this.verify();
      if (found.isOlder) {
        this.say(this.texts.passed_older, "fail");
      } else {
        this.say(this.texts.passed, "pass");
      }
      await this.tell(found);
    } catch (error) {
      this.refuse(error);
    }
  }

  say(sentence, kind = "") {
    this.status.textContent = sentence;
    this.status.className = kind ? `said said-${kind}` : "said";
  }

  async verify() {
    const address = proofAddress();
    const bytes = await fetched(address);
    if (bytes === null) {
      throw new Unreachable(address);
    }
    this.checks.pass("fetch", { n: grouped(Math.ceil(bytes.length / 1000)) });
    this.stage = "text";
    const trust = {};
    const tell = telling(this.checks, statement => this.mark(statement));
    const found = await verifyBundle(bytes, trust, async (step, what) => {
      this.stage = { text: "checkpoint", checkpoint: "anchor", anchor: "story" }[step] || "statement";
      if (step === "text") {
        this.bundle = what;
        // The bundle is not believed about its own keys by whoever remembers them.
        const kept = remembered(what.origin);
        this.kept = kept;
        const known = kept && await trustFor(kept, what.vkey, what.storyVkey);
        if (kept && !known) {
          this.stage = "key";
          throw new Fault(this.texts.other_key);
        }
        const others = kept ? [] : rememberedOrigins();
        if (others.length > 0) {
          this.stage = "key";
          throw new Fault(filled(this.texts.other_log, { origin: others[0] }));
        }
        Object.assign(trust, known);
      }
      if (step === "statement") {
        this.position += 1;
      }
      await tell(step, what);
    });
    this.stage = "page";
    const { bundle } = this;
    const { compared, unsealed } = this.comparePage(bundle, found);
    this.checks.pass(unsealed > 0 ? "page_partly" : "page", { n: grouped(compared), m: grouped(unsealed) });
    this.stage = "memory";
    const isOlder = await this.compareMemory(bundle, trust);
    return { bundle, found, isOlder };
  }

  /** The step of the page that a statement is. */
  stepOf(index) {
    return document.querySelector(`[data-entry="${index}"]`);
  }

  mark(statement) {
    const step = this.stepOf(statement.index);
    if (step) {
      step.classList.add("proven");
    }
  }

  /** That each step of the page is a statement of the proof, of the same moment, and the proof is of this code. */
  comparePage(bundle, { statements }) {
    if (!isAbout(bundle.subject, location.pathname)) {
      throw new Mismatch(this.texts.page_subject);
    }
    const events = new Map(statements.map(statement => [String(statement.index), statement.content]));
    for (const step of document.querySelectorAll("[data-entry]")) {
      const content = events.get(step.dataset.entry);
      const time = step.querySelector("time");
      const said = content && content.value("/body/eventTime");
      // Pages tell whole seconds.
      const seconds = text => Math.floor(Date.parse(text) / 1000);
      const isSaid = time
        ? seconds(stringValue(said)) === seconds(time.getAttribute("datetime"))
        : said === null;
      if (!isSaid) {
        this.disprove(step);
        throw new Mismatch(filled(this.texts.page_step, { step: nameOf(step) }));
      }
    }
    const compared = document.querySelectorAll("[data-entry]").length;
    return { compared, unsealed: document.querySelectorAll(".step").length - compared };
  }

  async compareMemory(bundle, trust) {
    const { kept } = this;
    const now = new Date().toISOString();
    const entry = { vkey: bundle.vkey, storyVkey: bundle.storyVkey, checkpoint: bundle.checkpoint, since: now, seen: now };
    if (!kept) {
      this.checks.pass(remember(bundle.origin, entry) ? "memory_first" : "memory_none", {});
      return false;
    }
    const { kind, kept: old, shown } = await follow(bundle.vkey, kept.checkpoint, bundle.checkpoint, keysOf(trust));
    const isNewer = kind === "grown";
    keepNewer(bundle.origin, kept, isNewer ? bundle.checkpoint : kept.checkpoint);
    this.checks.pass(`memory_${kind}`, {
      date: dayOf(kept.seen),
      n: grouped(isNewer ? shown.size.minus(old.size) : shown.size),
    });
    return kind === "older";
  }

  async tell({ bundle, found }) {
    const add = (sentence, className) => this.result.appendChild(element("p", className, sentence));
    add(filled(this.texts.told, { n: grouped(found.statements.length), size: grouped(found.checkpoint.size) }));
    const rows = this.result.appendChild(element("dl", "rows"));
    const row = rows.appendChild(element("div"));
    row.appendChild(element("dt", "", this.texts.fingerprint));
    row.appendChild(element("dd", "code", fingerprintOf(bundle.vkey, bundle.storyVkey)));
    add(this.texts.fingerprint_note, "small");
    add(this.texts.doubt, "small");
    this.section.dataset.engine = await ed25519Engine();
  }

  /** Names the step that fails, and what to do. */
  refuse(error) {
    if (error instanceof Unreachable) {
      this.say(this.texts.unreachable, "fail");
      return;
    }
    this.say(this.texts.failed, "fail");
    const add = (sentence, className) => this.result.appendChild(element("p", className, sentence));
    if (error instanceof Split) {
      this.checks.fail(`memory_${error.reason}`, {});
      warn(this.texts, error);
    } else {
      const isWhole = this.stage === "statement" && this.position >= this.bundle.statements.length;
      const stage = isWhole ? "connection" : this.stage;
      const item = this.checks.fail(`${stage}_fails`, { n: grouped(this.position + 1) });
      const statement = this.stage === "statement" ? this.bundle.statements[this.position] : undefined;
      const step = statement && this.stepOf(statement.index);
      if (step) {
        this.disprove(step);
        add(filled(this.texts.statement_step, { step: nameOf(step) }));
      }
      if (error instanceof Mismatch) {
        add(error.message);
      } else {
        // Of what is no fault of the proof but ours the name is told: a refusal is no place to hide it.
        item.appendChild(element("span", "code", error instanceof Fault ? error.message : String(error)));
      }
      warn(this.texts, null);
    }
    add(this.texts.advice);
  }

  disprove(step) {
    step.classList.remove("proven");
    step.classList.add("disproven");
  }
}

/** Whether a subject names all that the page's own address does. The log of an item that the address leaves out may stand there. */
function isAbout(subject, path) {
  const pairs = link => {
    const parts = link.replace("https://id.gs1.org", "").split("/").slice(1).map(decodeURIComponent);
    const found = [];
    for (let i = 0; i + 1 < parts.length; i += 2) {
      // A GTIN may be written with fewer digits than its 14.
      found.push(`${parts[i]} ${parts[i] === "01" ? parts[i + 1].padStart(14, "0") : parts[i + 1]}`);
    }
    return found;
  };
  const named = pairs(subject);
  const asked = pairs(path);
  // The lot of an address may be another than the one on record, and the page then says so.
  return asked.length > 0 && asked.every(pair => named.includes(pair) || (pair.startsWith("10 ") && asked.length > 2));
}

/** Where the page's proof is. */
const proofAddress = () => document.querySelector("[data-proof]").getAttribute("href");

const nameOf = step => {
  const heading = step.querySelector("h3");
  return heading ? heading.firstChild.textContent.trim() : step.dataset.entry;
};

/** Above everything else on the page: what it says is not to be relied on. With a file that proves it, where there is one. */
function warn(texts, split) {
  const main = document.querySelector("main");
  const old = main.querySelector(".alarm");
  const box = old || main.insertBefore(element("section", "alarm"), main.firstChild);
  box.textContent = "";
  box.setAttribute("role", "alert");
  box.appendChild(element("h2", "", texts.alarm));
  const words = split === null ? "alarm_proof" : split.reason === "forked" ? "alarm_split" : "alarm_unproven";
  box.appendChild(element("p", "", texts[words]));
  if (split) {
    const link = element("a", "button", texts.save_evidence);
    link.href = URL.createObjectURL(new Blob([split.evidence], { type: "application/json" }));
    link.download = "rootmark-evidence.json";
    box.appendChild(element("p", "actions")).appendChild(link);
  }
}

/** Remembers a checkpoint that follows from what was kept, unless another page has remembered more meanwhile. */
function keepNewer(origin, kept, checkpoint) {
  const latest = remembered(origin);
  if (latest && latest.checkpoint === kept.checkpoint) {
    remember(origin, Object.assign({}, kept, { checkpoint, seen: new Date().toISOString() }));
  }
}

/** Checks the proof of the page's code, when its reader wants it. */
export async function checkStory(section, texts) {
  await new StoryCheck(section, texts).run();
}

/**
 * Looks by itself whether the log has only grown since this phone saw it last, and says something only where it cannot
 * show that it has. Nothing is asked where nothing is remembered.
 */
export async function witnessLog(origin, texts) {
  const kept = remembered(origin);
  if (!kept) {
    return "nothing is remembered";
  }
  try {
    const checkpoint = await fetchedText("/log/checkpoint");
    const vkey = await fetchedText("/log/vkey");
    if (!checkpoint || !vkey) {
      return "unreachable";
    }
    const trust = await trustFor(kept, vkey.trim(), kept.storyVkey);
    if (!trust) {
      warn(texts, null);
      return "another key";
    }
    const { kind } = await follow(vkey.trim(), kept.checkpoint, checkpoint, keysOf(trust));
    if (kind !== "older") {
      keepNewer(origin, kept, checkpoint);
    }
    return kind;
  } catch (error) {
    if (error instanceof Split || error instanceof Fault) {
      warn(texts, error instanceof Split ? error : null);
      return error.message;
    }
    return "unreachable";
  }
}
