// Keeps the station at hand without a network. The server puts a line before this that names what is
// kept, by a digest of all of it. Only what was drawn for nobody is kept: files, the station without a
// person, and the words of a refusal. No answer that says `no-store` is ever kept.

const CACHE = `exotrace-${KEPT.version}`;
const DEVICE = "exotrace-device"; // which language was last spoken here; no person
const PATIENCE = 8000; // ms after which a server that says nothing is taken for absent

async function fetched(path) {
  const answer = await fetch(path, { cache: "no-cache", credentials: "omit" });
  const rule = answer.headers.get("Cache-Control") ?? "";
  if (!answer.ok || rule.includes("no-store")) throw new Error(`${path} cannot be kept`);
  return answer;
}

async function fill() {
  const cache = await caches.open(CACHE);
  const wanted = [...KEPT.files, ...KEPT.pages, ...KEPT.stops];
  await Promise.all(wanted.map(async (path) => cache.put(path, await fetched(path))));
}

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("exotrace-") && ![CACHE, DEVICE].includes(name)) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

async function language() {
  const kept = await (await caches.open(DEVICE)).match("/language");
  return kept ? kept.text() : "en";
}

async function speak(wanted) {
  if (!KEPT.languages.includes(wanted)) return;
  await (await caches.open(DEVICE)).put("/language", new Response(wanted));
}

self.addEventListener("message", (event) => {
  if (event.data?.language) event.waitUntil(speak(event.data.language));
});

/** Forget who worked here; what she has not sent yet stays, for it is sent when she is back. */
function forget() {
  return new Promise((done) => {
    const asked = indexedDB.open("exotrace.station");
    asked.onupgradeneeded = () => asked.transaction.abort(); // there is nothing to forget
    asked.onerror = done;
    asked.onblocked = done;
    asked.onsuccess = () => {
      const base = asked.result;
      const close = () => {
        base.close();
        done();
      };
      try {
        const work = base.transaction(["scans", "facts"], "readwrite");
        const facts = work.objectStore("facts");
        facts.delete("session");
        work.objectStore("scans").getAll().onsuccess = (found) => {
          const waiting = new Set(found.target.result.map((each) => each.person));
          facts.getAllKeys().onsuccess = ({ target }) => {
            for (const name of target.result) {
              if (name.startsWith("bench/") && !waiting.has(name.slice(6))) facts.delete(name);
            }
          };
        };
        work.oncomplete = close;
        work.onabort = close;
      } catch {
        close();
      }
    };
  });
}

const isSignIn = (url) => ["/sign-in", "/sign-in/badge", "/sign-out"].includes(url.pathname);

async function kept(name) {
  const page = await (await caches.open(CACHE)).match(`/offline/${await language()}/${name}`);
  return page ?? Response.error();
}

async function without(url, request) {
  const chosen = /^\/language\/(\w+)$/.exec(url.pathname);
  if (chosen && request.method === "GET") {
    await speak(chosen[1]);
    const next = url.searchParams.get("next") ?? "/station";
    return Response.redirect(/^\/(?![/\\])/.test(next) ? next : "/station", 303);
  }
  if (request.method === "GET" && url.pathname === "/station") return kept("station");
  return kept(url.pathname.startsWith("/bedside") ? "bedside" : "page");
}

async function navigated(event, url) {
  const { request } = event;
  if (request.method === "POST" && isSignIn(url)) event.waitUntil(forget());
  const asked = fetch(request);
  const late = new Promise((_done, fail) => setTimeout(fail, PATIENCE, new Error("no answer")));
  late.catch(() => {});
  const bench = request.method === "GET" && url.pathname === "/station";
  try {
    const answer = await (bench ? Promise.race([asked, late]) : asked);
    return bench && [502, 503, 504].includes(answer.status) ? await without(url, request) : answer;
  } catch {
    asked.catch(() => {});
    return without(url, request);
  }
}

async function file(request, url) {
  try {
    return await fetch(request);
  } catch (fault) {
    const there = await (await caches.open(CACHE)).match(url.pathname);
    if (there) return there;
    throw fault;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(navigated(event, url));
  else if (request.method === "GET" && /^\/(static|scan-stops)\//.test(url.pathname)) {
    event.respondWith(file(request, url));
  }
});
