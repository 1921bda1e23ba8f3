// Makes a photograph smaller before it is sent: a phone's own is several megabytes, and 1,280 pixels are enough to read a label. Where
// a browser cannot, the photograph is sent as it is, and made smaller by the service.

const SIDE = 1280;
/** Bytes that need not be made less. */
const SMALL = 300 * 1024;
/** How long a photograph may take to be made smaller. */
const PATIENCE_MS = 10000;

/** The same photograph as a JPEG of at most SIDE pixels; null where this browser cannot make one. */
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise(done => canvas.toBlob(done, "image/jpeg", 0.85));
    return blob && new File([blob], "photo.jpg", { type: "image/jpeg" });
  } catch (error) {
    return null;
  }
}

const input = document.querySelector("#photo");
const form = input.form;
const status = form.querySelector("[role=status]");
let working = Promise.resolve();

input.addEventListener("change", () => {
  const file = input.files[0];
  if (!file || file.size <= SMALL) {
    return;
  }
  working = smaller(file).then(photo => {
    // Another may have been chosen in between.
    if (photo && input.files[0] === file) {
      const files = new DataTransfer();
      files.items.add(photo);
      input.files = files.files;
    }
  }).catch(() => {});
});

form.addEventListener("submit", event => {
  event.preventDefault();
  if (form.dataset.busy !== undefined) {
    return;
  }
  form.dataset.busy = "";
  status.textContent = form.dataset.sending;
  const patience = new Promise(done => setTimeout(done, PATIENCE_MS));
  Promise.race([working, patience]).then(() => {
    form.submit();
    // Whoever stops it may send it again: a form that is sent twice is one report.
    setTimeout(ready, PATIENCE_MS);
  });
});

function ready() {
  delete form.dataset.busy;
  status.textContent = "";
}

// A page that is come back to is not being sent.
addEventListener("pageshow", ready);
