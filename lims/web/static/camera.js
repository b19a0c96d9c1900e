// The camera: one press opens it and it stays open over pages, until it is closed. The browser reads
// codes itself where it can; else the middle of the picture goes to the server, twice a second at most.
// Where a page gets no camera (plain http, or it was refused) a photograph is sent instead.

import { fold, valid } from "./codes.js";
import { CAMERA, scanned, stop, template } from "./scan.js";

const AGAIN = 1500; // ms for which a code must have been out of sight before it counts again
const PAUSE = 450; // ms between two frames for the server
const SIDE = 900; // of a frame that is sent
const PHOTO = 2000; // of a photograph that is sent
const SQUARE = ["data_matrix", "qr_code"];

let view = null;
let stream = null;
let seen = new Map(); // code: when it was last in sight
let told = 0; // when two codes at once were last said

const remember = (open) => {
  try {
    sessionStorage.setItem(CAMERA, open ? "yes" : "");
  } catch {
    // it opens by a press on the next page
  }
};

async function readerHere() {
  try {
    const known = await window.BarcodeDetector?.getSupportedFormats();
    if (!known?.includes("data_matrix")) return null;
    const detector = new window.BarcodeDetector({ formats: [...SQUARE, "code_128"] });
    return async (canvas) => {
      const found = await detector.detect(canvas);
      const sure = found.filter((each) => SQUARE.includes(each.format) || valid(fold(each.rawValue)));
      return [...new Set(sure.map((each) => each.rawValue.trim()))];
    };
  } catch {
    return null;
  }
}

/** Ask the server what is on a picture; null where it does not answer. */
async function asked(canvas, quality) {
  const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
  return sent(picture);
}

async function sent(picture) {
  const body = new FormData();
  body.set("photo", picture, "picture.jpg");
  const token = document.querySelector("[name=_csrf]")?.value ?? "";
  try {
    const answer = await fetch("/scan/photo", {
      method: "POST", body, headers: { "X-CSRF-Token": token },
    });
    if (answer.status === 413) return { codes: [], why: "photo-large" };
    return await answer.json();
  } catch {
    return null;
  }
}

/** The square in the middle of the picture, where the frame is drawn. */
function middle(video, canvas) {
  const whole = Math.min(video.videoWidth, video.videoHeight) * 0.8;
  const side = Math.min(SIDE, whole);
  canvas.width = side;
  canvas.height = side;
  const x = (video.videoWidth - whole) / 2;
  const y = (video.videoHeight - whole) / 2;
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(
    video, x, y, whole, whole, 0, 0, side, side,
  );
  return canvas;
}

/** One code at a time, and each once while it is in sight. */
function saw(codes) {
  const now = Date.now();
  const fresh = codes.filter((each) => now - (seen.get(each) ?? 0) > AGAIN);
  for (const each of codes) seen.set(each, now);
  if (codes.length > 1) {
    if (now - told > AGAIN) stop("photo-two", codes.join(", "));
    told = now;
    for (const each of codes) seen.delete(each); // none of them was taken
  } else if (fresh.length) {
    scanned(fresh[0], now);
  }
}

async function look(video) {
  const here = await readerHere();
  const canvas = document.createElement("canvas");
  const mine = stream;
  while (mine && mine === stream) {
    if (video.readyState >= 2 && document.visibilityState === "visible") {
      const picture = middle(video, canvas);
      const found = here ? await here(picture).catch(() => []) : (await asked(picture, 0.8))?.codes;
      if (mine !== stream) break;
      if (found?.length) saw(found);
    }
    await new Promise((done) => setTimeout(done, here ? 120 : PAUSE));
  }
}

function light(track) {
  const button = view.querySelector("[data-torch]");
  if (!track.getCapabilities?.().torch) return;
  let on = false;
  button.hidden = false;
  button.addEventListener("click", async () => {
    on = !on;
    await track.applyConstraints({ advanced: [{ torch: on }] }).catch(() => (on = false));
    button.setAttribute("aria-pressed", String(on));
  });
}

async function open() {
  view = document.importNode((await template("camera")).content, true).firstElementChild;
  document.getElementById("scan-said").before(view);
  view.querySelector("[data-close]").addEventListener("click", close);
  view.querySelector("[data-photo]").addEventListener("change", (event) => {
    if (event.target.files[0]) photograph(event.target.files[0]);
    event.target.value = "";
  });
  remember(true);
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } },
    });
  } catch {
    view.dataset.camera = "photo"; // no camera for this page: a photograph does it
    return;
  }
  const video = view.querySelector("video");
  video.srcObject = stream;
  view.dataset.camera = "live";
  await video.play().catch(() => {});
  light(stream.getVideoTracks()[0]);
  look(video);
}

function close() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  view?.remove();
  view = null;
  seen = new Map();
  remember(false);
}

/** A photograph, made small enough to send where the browser can. */
async function photograph(file) {
  let picture = file;
  try {
    const whole = await createImageBitmap(file);
    const scale = Math.min(1, PHOTO / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(whole.width * scale);
    canvas.height = Math.round(whole.height * scale);
    canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
    picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  } catch {
    picture = file; // no picture to this browser: the server says what it is
  }
  const answer = await sent(picture);
  if (!answer) stop("photo-away");
  else if (answer.why) stop(answer.why);
  else if (!answer.codes?.length) stop("photo-none");
  else if (answer.codes.length > 1) stop("photo-two", answer.codes.join(", "));
  else scanned(answer.codes[0], Date.now());
}

/** Open the camera, or close it. */
export const turn = () => (view ? close() : open());
