// A list of checks, each told as it passes, the last of them as what it fails by.

/** A sentence with its `{name}`s replaced. */
export function filled(sentence, values = {}) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A number with its thousands grouped, as the pages write it. */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A day as the pages write it: on the calendar of China, wherever the phone is. */
export function dayOf(iso) {
  const lang = document.documentElement.lang;
  const form = { year: "numeric", month: "long", day: "numeric", timeZone: "Asia/Shanghai" };
  return new Date(iso).toLocaleDateString(lang === "en" ? "en-GB" : lang, form);
}

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

/** Lets the page be drawn: a check that was passed is seen before the next begins. */
export function drawn() {
  return new Promise(done => {
    // A page in the background draws nothing, and must not wait for it.
    if (document.hidden) {
      done();
    } else {
      requestAnimationFrame(() => setTimeout(done, 0));
    }
  });
}

export class CheckList {
  constructor(list, texts) {
    this.list = list;
    this.texts = texts;
    this.items = new Map();
    list.textContent = "";
    list.hidden = false;
  }

  /** Says of a check that it holds; once more with other values, in its place. */
  pass(key, values) {
    const item = this.item(key);
    item.className = "check-pass";
    item.textContent = filled(this.texts[key], values);
  }

  fail(key, values) {
    const item = this.item(key);
    item.className = "check-fail";
    item.textContent = filled(this.texts[key], values);
    return item;
  }

  item(key) {
    if (!this.items.has(key)) {
      this.items.set(key, this.list.appendChild(element("li")));
    }
    return this.items.get(key);
  }
}

/** What `verifyBundle` tells of as it goes, as checks of a list. */
export function telling(checks, onStatement = () => {}) {
  let count = 0;
  let passed = 0;
  let told = 0;
  return async (step, found) => {
    if (step === "text") {
      count = found.statements.length;
      checks.pass("text", { n: grouped(count) });
    } else if (step === "checkpoint") {
      checks.pass("checkpoint", { n: grouped(found.size) });
    } else if (step === "anchor" || step === "story") {
      checks.pass(step, { n: grouped(count) });
    } else {
      passed += 1;
      checks.pass("statement", { m: grouped(passed), n: grouped(count) });
      onStatement(found);
    }
    // Drawing takes a slow phone longer than checking does: now and then is often enough.
    const now = performance.now();
    if (now - told > 50) {
      await drawn();
      told = performance.now();
    }
  };
}
