// Scans a code with the camera, where the browser can read codes by itself. Pictures stay in this page: what was
// read goes where a typed code goes. Without any of this the page explains the phone's own scanner.
//
// Written for browsers since 2018, as the style sheet is: nothing here is newer than modules and async functions.

/** Kinds of codes that lead to a page, the ones that hold most first. */
const FORMATS = ["qr_code", "data_matrix", "ean_13", "upc_a", "ean_8", "itf", "code_128"];
/** Milliseconds between two looks: reading takes a phone's processor a good part of that. */
const PAUSE_MS = 120;

/** So many looks may fail one after the other, some seconds long, before the reader is told. */
const MAX_FAILURES = 60;

/** What the camera calls its refusals (Media Capture and Streams §10.2), as keys of our texts. */
const REFUSALS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  OverconstrainedError: "none",
};

async function formats() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) {
    return [];
  }
  try {
    const supported = await BarcodeDetector.getSupportedFormats();
    return FORMATS.filter(format => supported.includes(format));
  } catch (error) {
    return [];
  }
}

class Scanner {
  constructor(root, form, formats) {
    this.root = root;
    this.form = form;
    this.detector = new BarcodeDetector({ formats });
    this.video = root.querySelector("video");
    this.start = root.querySelector("[data-start]");
    this.stop = root.querySelector("[data-stop]");
    this.finder = root.querySelector("[data-finder]");
    this.stream = null;
    // Counts how often the camera was opened or closed. Whoever waited meanwhile finds another number and stops:
    // a camera that opens after the reader has closed it again is closed at once.
    this.turn = 0;
    this.isOpen = false;
    this.failures = 0;
    this.start.addEventListener("click", () => this.open());
    this.stop.addEventListener("click", () => this.close(""));
    // A page that is left does not keep the camera on.
    window.addEventListener("pagehide", () => this.close(""));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        this.close("");
      }
    });
  }

  say(key) {
    const status = this.root.querySelector("[data-status]");
    status.textContent = key ? this.root.dataset[key] : "";
  }

  show(isOpen) {
    this.start.hidden = isOpen;
    this.stop.hidden = !isOpen;
    this.finder.hidden = !isOpen;
  }

  async open() {
    const turn = ++this.turn;
    this.isOpen = true;
    this.failures = 0;
    this.show(true);
    this.stop.focus();
    this.say("asking");
    try {
      const wish = { video: { facingMode: "environment" }, audio: false };
      const stream = await navigator.mediaDevices.getUserMedia(wish);
      if (turn !== this.turn) {
        stream.getTracks().forEach(track => track.stop());
        return;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      if (turn === this.turn) {
        this.say("looking");
        this.look(turn);
      }
    } catch (error) {
      if (turn === this.turn) {
        this.close(REFUSALS[error.name] || "failed");
      }
    }
  }

  close(key) {
    const wasOpen = this.isOpen;
    this.turn += 1;
    this.isOpen = false;
    if (this.stream) {
      this.stream.getTracks().forEach(track => track.stop());
      this.stream = null;
    }
    this.video.srcObject = null;
    this.show(false);
    this.say(key);
    if (wasOpen && !document.hidden) {
      this.start.focus();
    }
  }

  async look(turn) {
    const code = await this.read();
    if (turn !== this.turn) {
      return;
    }
    if (code) {
      this.close("found");
      this.form.querySelector("[name=code]").value = code;
      this.form.submit();
    } else if (this.failures > MAX_FAILURES) {
      this.close("unreadable");
    } else {
      setTimeout(() => turn === this.turn && this.look(turn), PAUSE_MS);
    }
  }

  /** The code in view that holds most: a pack often bears a plain barcode beside its own code. */
  async read() {
    try {
      const found = await this.detector.detect(this.video);
      this.failures = 0;
      found.sort((a, b) => FORMATS.indexOf(a.format) - FORMATS.indexOf(b.format));
      return found.length ? found[0].rawValue : "";
    } catch (error) {
      // A frame that is not there yet; the next may be. Some browsers promise to read codes and never do.
      this.failures += 1;
      return "";
    }
  }
}

const root = document.querySelector("[data-camera]");
formats().then(found => {
  if (root && found.length) {
    new Scanner(root, document.querySelector("form[action='/find']"), found);
    root.hidden = false;
  }
});
