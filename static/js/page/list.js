// The page of all codes that are kept on this phone. It asks nobody for anything.

import { dayOf, element, filled, grouped } from "./checklist.js";
import { forget, keepOnPhone, keptCodes, receiptLink } from "./kept.js";

class SavedPage {
  constructor(root) {
    this.root = root;
    this.texts = JSON.parse(root.dataset.texts);
    this.list = root.querySelector("ul");
    this.status = root.querySelector("[role=status]");
    this.show();
  }

  show() {
    const codes = keptCodes();
    this.list.textContent = "";
    codes.forEach(code => this.list.appendChild(this.item(code)));
    this.root.querySelector("[data-empty]").hidden = codes.length > 0;
  }

  item(code) {
    const item = element("li", "");
    const name = item.appendChild(element("p", "doc"));
    const link = name.appendChild(element("a", "", code.name));
    link.href = `${code.path}?lang=${document.documentElement.lang}`;
    item.appendChild(element("p", "code", code.elements));
    item.appendChild(element("p", "", filled(this.texts.said, { date: dayOf(code.seen), title: code.title })));
    const meta = item.appendChild(element("p", "meta"));
    meta.appendChild(element("span", "", filled(this.texts.since, { date: dayOf(code.saved) })));
    if (code.receipt !== null) {
      meta.appendChild(receiptLink(code, filled(this.texts.receipt, { n: grouped(code.number) })));
    }
    const remove = meta.appendChild(element("button", "link", this.texts.remove));
    remove.type = "button";
    remove.setAttribute("aria-label", `${this.texts.remove} ${code.name}`);
    remove.addEventListener("click", () => this.remove(code.path));
    return item;
  }

  remove(path) {
    const code = forget(path);
    this.show();
    this.status.textContent = filled(this.texts.removed, { name: code.name });
    const undo = element("button", "link", this.texts.undo);
    undo.type = "button";
    undo.addEventListener("click", () => {
      keepOnPhone(code);
      this.status.textContent = "";
      this.show();
      this.list.querySelector("a").focus();
    });
    this.status.append(" ");
    this.status.appendChild(undo);
    undo.focus();
  }
}

new SavedPage(document.querySelector("[data-saved]"));
