// The page `/verify`: one file that checks a proof without any server. It fetches nothing and sends nothing; its own
// policy forbids it to.

import { verifyBundle } from "../auditlog/bundle.js";
import { equal, Fault, fail, fromUtf8, toBase64, toUtf8 } from "../auditlog/bytes.js";
import { judgeEvidence } from "../auditlog/evidence.js";
import { parseKeyHistory } from "../auditlog/keys.js";
import { fingerprintOf, parseKey } from "../auditlog/note.js";
import { parsePolicy } from "../auditlog/policy.js";
import { isTlogProof, verifyStatementProof } from "../auditlog/proof.js";
import { CheckList, element, filled, grouped, telling } from "./checklist.js";

/** Bytes of a file that is read: a page has no more patience. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Statements that are laid out field by field. */
const MAX_LISTED = 200;

const isEvidence = bytes => {
  const begin = toUtf8("{\"format\":\"rootmark-evidence/");
  return equal(bytes.subarray(0, begin.length), begin);
};

class OfflinePage {
  constructor(root) {
    this.texts = JSON.parse(root.dataset.texts);
    this.form = root.querySelector("form");
    this.result = root.querySelector("[data-result]");
    this.status = root.querySelector("[data-status]");
    this.checks = root.querySelector("[data-checks]");
    this.turn = 0;
    this.form.addEventListener("submit", event => {
      event.preventDefault();
      this.check();
    });
    // A file is dropped anywhere on the page.
    document.addEventListener("dragover", event => event.preventDefault());
    document.addEventListener("drop", event => {
      event.preventDefault();
      if (event.dataTransfer.files.length > 0) {
        this.form.elements.file.files = event.dataTransfer.files;
        this.check();
      }
    });
    this.form.elements.file.addEventListener("change", () => this.check());
  }

  async check() {
    const turn = ++this.turn;
    this.result.textContent = "";
    this.result.hidden = true;
    this.checks.textContent = "";
    this.checks.hidden = true;
    try {
      const bytes = await this.input();
      if (bytes === null) {
        this.say(this.texts.nothing);
        return;
      }
      this.say(this.texts.working);
      const found = await this.verified(bytes);
      // Another file was chosen meanwhile: what is said is said of that one.
      if (turn === this.turn) {
        this.show(found);
        this.say(this.texts.passed, "pass");
      }
    } catch (error) {
      if (turn !== this.turn) {
        return;
      }
      this.say(this.texts.failed, "fail");
      this.result.appendChild(element("p", "code", error instanceof Fault ? error.message : String(error)));
      this.result.hidden = false;
    }
  }

  say(sentence, kind = "") {
    this.status.textContent = sentence;
    this.status.className = kind ? `said said-${kind}` : "said";
  }

  /** The file, else what was pasted: a paste may lose a proof's last newline, or give a bundle one that it has not. */
  async input() {
    const file = await this.file("file");
    const text = this.form.elements.text.value.trim();
    if (file && text) {
      fail(this.texts.both);
    }
    return file || (text ? toUtf8(text.startsWith("{") ? text : `${text}\n`) : null);
  }

  async file(name) {
    const [file] = this.form.elements[name].files;
    if (!file) {
      return null;
    }
    if (file.size > MAX_FILE_BYTES) {
      fail(filled(this.texts.large, { n: grouped(MAX_FILE_BYTES / 1024 / 1024) }));
    }
    const buffer = await new Response(file).arrayBuffer();
    return new Uint8Array(buffer);
  }

  async text(name) {
    const bytes = await this.file(name);
    const text = bytes && fromUtf8(bytes);
    return bytes && text === null ? fail(filled(this.texts.no_text, { name: this.form.elements[name].files[0].name })) : text;
  }

  async trust() {
    const typed = name => this.form.elements[name].value.trim();
    const [keys, policy] = [await this.text("keys"), await this.file("policy")];
    return {
      log: typed("vkey") ? parseKey(typed("vkey")) : null,
      story: typed("story_vkey") ? parseKey(typed("story_vkey")) : null,
      anchors: await this.text("anchors"),
      keys: keys && await parseKeyHistory(keys),
      policy: policy && parsePolicy(policy),
    };
  }

  async verified(bytes) {
    const trust = await this.trust();
    if (isEvidence(bytes)) {
      return { evidence: await judgeEvidence(bytes, trust), trust };
    }
    if (isTlogProof(bytes)) {
      const { checkpoint, statement } = await verifyStatementProof(bytes, trust);
      return { checkpoint, statements: [statement], isTrusted: true };
    }
    const checks = new CheckList(this.checks, this.texts);
    let fingerprint = "";
    let isPrinted = false;
    const tell = telling(checks);
    const found = await verifyBundle(bytes, trust, async (step, what) => {
      if (step === "text") {
        fingerprint = fingerprintOf(what.vkey, what.storyVkey);
        isPrinted = this.isPrinted(fingerprint);
      }
      await tell(step, what);
    });
    const isTrusted = isPrinted || found.keys === "verifier";
    return { checkpoint: found.checkpoint, statements: found.statements, subject: found.subject, fingerprint, isTrusted };
  }

  /** Whether the fingerprint is the one that was typed, if one was. */
  isPrinted(fingerprint) {
    const plain = text => text.toLowerCase().replace(/[^0-9a-z]/g, "");
    const typed = this.form.elements.fingerprint.value;
    if (plain(typed) === "") {
      return false;
    }
    return plain(typed) === plain(fingerprint) || fail(filled(this.texts.other_fingerprint, { fingerprint }));
  }

  show(found) {
    const rows = element("dl", "rows");
    const row = (key, value, isCode) => {
      const box = rows.appendChild(element("div"));
      box.appendChild(element("dt", "", this.texts[key]));
      box.appendChild(element("dd", isCode ? "code" : "", value));
    };
    if (found.evidence) {
      const { evidence, trust } = found;
      this.paragraph(filled(this.texts.convicted, { origin: evidence.origin }));
      const isTrusted = trust.log || (trust.policy && trust.policy.logs.length > 0);
      this.paragraph(isTrusted ? "" : this.texts.own_key, "warning");
      row("old_size", grouped(evidence.old.size));
      row("old_root", toBase64(evidence.old.root), true);
      row("new_size", grouped(evidence.now.size));
      row("begins_with", toBase64(evidence.beginsWith), true);
    } else {
      const { checkpoint, statements, subject, fingerprint, isTrusted } = found;
      this.paragraph(isTrusted ? this.texts.trusted : this.texts.own_keys, isTrusted ? "" : "warning");
      if (subject) {
        row("subject", subject, true);
      }
      row("origin", checkpoint.origin, true);
      if (fingerprint) {
        row("fingerprint", fingerprint, true);
      }
      row("size", grouped(checkpoint.size));
      row("root", toBase64(checkpoint.root), true);
      const sum = member => statements.reduce((all, statement) => all + statement[member], 0);
      row("withheld", filled(this.texts.withheld_value, { n: grouped(sum("withheld")), m: grouped(sum("unnamed")) }));
    }
    this.result.appendChild(rows);
    if (found.statements) {
      this.list(found.statements);
    }
    this.result.hidden = false;
  }

  paragraph(sentence, className) {
    if (sentence) {
      this.result.appendChild(element("p", className, sentence));
    }
  }

  /** Each statement with its fields, as they were recorded: nothing is put into other words. */
  list(statements) {
    this.result.appendChild(element("h2", "", this.texts.statements));
    for (const statement of statements.slice(0, MAX_LISTED)) {
      const kind = this.texts[`kind_${statement.kind}`] || statement.kind;
      const box = this.result.appendChild(element("details", "said-fields"));
      const title = filled(this.texts.statement_title, {
        index: grouped(statement.index), kind, recorded: statement.recorded, issuer: statement.issuer,
      });
      box.appendChild(element("summary", "", title));
      // Fields are laid out when somebody looks.
      box.addEventListener("toggle", () => box.children.length > 1 || this.fields(box, statement));
    }
    if (statements.length > MAX_LISTED) {
      this.paragraph(filled(this.texts.more, { n: grouped(statements.length - MAX_LISTED) }), "small");
    }
  }

  fields(box, statement) {
    const rows = box.appendChild(element("dl", "rows"));
    for (const { name, value } of statement.content.leaves.concat(statement.receipt.leaves)) {
      const row = rows.appendChild(element("div"));
      row.appendChild(element("dt", "code", name));
      row.appendChild(element("dd", value === null ? "small" : "code", value === null ? this.texts.hidden : value));
    }
  }
}

new OfflinePage(document.querySelector("[data-verifier]"));
