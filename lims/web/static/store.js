// What this device keeps over a reload, a closed tab and an outage: scans in their order, its own name
// and count, and who works here. Where a browser keeps nothing, a page still works while it is open.

const NAME = "exotrace.station";

function open() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("scans", { keyPath: "n", autoIncrement: true });
      asked.result.createObjectStore("facts");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

const base = open().catch(() => null);

/** One transaction over both; what `work` answers by its requests stands in `found`. */
async function inOne(work) {
  const here = await base;
  if (!here) return null;
  return new Promise((done, fail) => {
    const all = here.transaction(["scans", "facts"], "readwrite", { durability: "strict" });
    const found = work(all.objectStore("scans"), all.objectStore("facts")) ?? {};
    all.oncomplete = () => done(found);
    all.onabort = () => fail(all.error);
  });
}

/** Everything: scans in their order, and facts by name. */
export async function recall() {
  const kept = { scans: [], facts: {} };
  await inOne((scans, facts) => {
    scans.getAll().onsuccess = ({ target }) => (kept.scans = target.result);
    facts.openCursor().onsuccess = ({ target }) => {
      if (!target.result) return;
      kept.facts[target.result.key] = target.result.value;
      target.result.continue();
    };
  });
  return kept;
}

/** Keep a scan; it is kept when this is over. */
export async function add(scan) {
  const { n, stored, ...plain } = scan;
  await inOne((scans) => {
    scans.add(plain).onsuccess = ({ target }) => (scan.n = target.result);
  });
}

/** Give scans the device's name and its next numbers, in one go with keeping them. */
export async function number(some, name) {
  await inOne((scans, facts) => {
    facts.get("device").onsuccess = ({ target }) => {
      const device = target.result ?? { name, count: 0 };
      for (const scan of some) {
        if (scan.counter) continue; // numbered while this waited
        device.count += 1;
        scan.device = device.name;
        scan.counter = device.count;
        const { stored, ...plain } = scan;
        if (scan.n) scans.put(plain);
      }
      facts.put(device, "device");
    };
  });
}

/** A scan was answered: it is gone in the same moment in which what followed from it is kept. */
export async function answered(scan, person, bench) {
  await inOne((scans, facts) => {
    if (scan.n) scans.delete(scan.n);
    facts.put(bench, `bench/${person}`);
  });
}

/** Drop a scan that is not to be sent. */
export const drop = (scan) => inOne((scans) => void (scan.n && scans.delete(scan.n)));

/** Keep a fact, or with null forget it. */
export const note = (name, value) =>
  inOne((_scans, facts) => void (value === null ? facts.delete(name) : facts.put(value, name)));
