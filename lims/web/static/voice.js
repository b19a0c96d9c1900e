// Sound and touch: each verdict is heard once. Tones differ in number, not in pitch alone. A test
// replaces `window.exotrace.tone` and `.vibrate` and counts the calls.

const TONES = { ok: [[880, 80]], stop: [[220, 250], [220, 250]], ask: [[520, 150]], wait: [] };
const BUZZ = { ok: [40], stop: [200, 100, 200], ask: [80], wait: [] };
const OFF = "exotrace.quiet";

let audio = null;
try {
  audio = new AudioContext(); // made here: inside a key handler it would stall the timing
} catch {
  audio = null;
}
for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => audio?.state === "suspended" && audio.resume().catch(() => {}), {
    once: true,
    passive: true,
  });
}
window.exotrace = {
  tone(kind) {
    if (!audio) return;
    let at = audio.currentTime;
    for (const [pitch, milliseconds] of TONES[kind] ?? []) {
      const sound = audio.createOscillator();
      const level = audio.createGain();
      level.gain.value = 0.2;
      sound.frequency.value = pitch;
      sound.connect(level).connect(audio.destination);
      sound.start(at);
      sound.stop(at + milliseconds / 1000);
      at += milliseconds / 1000 + 0.12;
    }
  },
  vibrate(kind) {
    if (BUZZ[kind]?.length) navigator.vibrate?.(BUZZ[kind]);
  },
  ...window.exotrace,
};

function quiet() {
  try {
    return localStorage.getItem(OFF) === "yes";
  } catch {
    return false; // a browser that keeps nothing
  }
}

/** Let a verdict be heard and felt, unless this device was made quiet. */
export function say(kind) {
  if (quiet()) return;
  window.exotrace.tone(kind);
  window.exotrace.vibrate(kind);
}

/** Say the verdict of a panel aloud, once, when it stands there. */
export function sayVerdicts(root = document) {
  const panel = root.querySelector("[data-verdict]:not([data-said])");
  if (!panel) return;
  panel.dataset.said = "";
  performance.mark("scan:verdict");
  say(panel.dataset.verdict);
}

for (const button of document.querySelectorAll("[data-sound]")) {
  button.hidden = false;
  const show = () => button.setAttribute("aria-pressed", String(!quiet()));
  show();
  button.addEventListener("click", () => {
    try {
      localStorage.setItem(OFF, quiet() ? "no" : "yes");
    } catch {
      return;
    }
    show();
    say("ok");
  });
}
