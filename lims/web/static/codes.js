// What a burst of keys says. A scanner sends the keys of a US keyboard; what the browser types for
// them hangs on layout, CapsLock and input method. So every burst has two readings, by the physical
// key and by the typed character, and the check character settles between them.

const VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS = "SCLVQKPWREAXTB";
export const SEPARATOR = "\x1d"; // between the parts of a GS1 code

// The other keys of a US keyboard: plain, and with Shift.
const KEYS = {
  Digit1: "1!", Digit2: "2@", Digit3: "3#", Digit4: "4$", Digit5: "5%", Digit6: "6^", Digit7: "7&",
  Digit8: "8*", Digit9: "9(", Digit0: "0)", Minus: "-_", Equal: "=+", BracketLeft: "[{",
  BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"", Backquote: "`~",
  Comma: ",<", Period: ".>", Slash: "/?", Space: "  ", NumpadDecimal: "..", NumpadDivide: "//",
  NumpadMultiply: "**", NumpadSubtract: "--", NumpadAdd: "++",
};

/** The ISO 7064 mod 37,2 check character. */
export function checkCharacter(body) {
  let sum = 0;
  for (const each of body) sum = ((sum + VALUES.indexOf(each)) * 2) % 37;
  return VALUES[(38 - sum) % 37];
}

function latinDigits(text) {
  return text
    .replace(/[۰-۹]/g, (each) => String(each.charCodeAt(0) - 0x6f0))
    .replace(/[٠-٩]/g, (each) => String(each.charCodeAt(0) - 0x660));
}

/** Latin digits, upper case, no blanks, hyphens or invisible marks. */
export function fold(text) {
  return latinDigits(text)
    .replace(/[\s\u200b-\u200f\u202a-\u202e-]/g, "")
    .toUpperCase();
}

/** Whether a text is one of our codes (9) or symbols (12) with a right check character. */
export function valid(text) {
  if (![9, 12].includes(text.length) || !LETTERS.includes(text[0])) return false;
  if ([...text.slice(1, -1)].some((each) => !ALPHABET.includes(each))) return false;
  if (checkCharacter(text.slice(0, -1)) !== text.at(-1)) return false;
  return text.length === 9 || checkCharacter(text.slice(0, 8)) === text[8];
}

/** What a physical key means on a US keyboard; empty where it is not known. */
export function physical(code, shift) {
  const letter = /^Key([A-Z])$/.exec(code || "");
  if (letter) return shift ? letter[1] : letter[1].toLowerCase();
  const digit = /^Numpad([0-9])$/.exec(code || "");
  if (digit) return digit[1];
  return KEYS[code]?.[shift ? 1 : 0] ?? "";
}

function byKey(keys) {
  return keys.map((each) => each.char ?? physical(each.code, each.shift)).join("");
}

function byCharacter(keys, inserted) {
  return inserted ?? keys.map((each) => each.char ?? (each.key.length === 1 ? each.key : "")).join("");
}

/**
 * Our code in a burst; null where no reading is one, false where two are and they differ.
 *
 * `inserted` is what the keys left in the field, for keyboards that do not say which key it was.
 */
export function reading(keys, inserted) {
  const readings = [byKey(keys), byCharacter(keys, inserted)].map(fold).filter(valid);
  if (readings.length === 2 && readings[0] !== readings[1]) return false;
  return readings[0] ?? null;
}

/** Whether a text begins with an item number of GS1 whose check digit fits. */
function numbered(text) {
  const found = /^(?:\][A-Za-z]\d)?\(?01\)?(\d{14})/.exec(text);
  if (!found) return false;
  const sum = [...found[1]].reduce((so, each, at) => so + Number(each) * (at % 2 ? 1 : 3), 0);
  return sum % 10 === 0;
}

/** A supplier's code in a burst; false where the two readings differ and nothing settles it. */
export function foreign(keys, inserted) {
  const key = byKey(keys);
  const typed = latinDigits(byCharacter(keys, inserted));
  // eslint-disable-next-line no-control-regex
  const readable = (text) => text.length >= keys.length && /^[\x1d -~]+$/.test(text);
  if (key === typed || !readable(typed)) return readable(key) && key;
  if (!readable(key) || inserted !== undefined) return typed;
  if (key.toLowerCase() === typed.toLowerCase()) return key; // CapsLock turns the case around
  if (numbered(key) !== numbered(typed)) return numbered(key) ? key : typed;
  return false;
}
