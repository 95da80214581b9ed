/**
 * Opens the page when the server is away, so that what waits to be sent can be seen and added to. `build.js` writes before it what is built:
 *   build  names this build of the page, as its `<meta name="build">` does
 *   shell  the files without which the page cannot be drawn
 *
 * The server comes first: what is kept here is shown only when it does not answer, so nothing that is shown is older than what it has.
 * Files whose name is made from their content are the exception; they never change. Everything else is none of this worker's business:
 * /api and /ws are not looked at.
 */
/* global build, shell */
const prefix = "skep-";
const kept = `${prefix}${build}`;
const hashed = /^\/assets\/.+-[\w-]{8}\.\w+$/;

addEventListener("install", (event) => {
  // Past the browser's own cache, which may hold files of another build under the names that stay.
  const files = shell.map((path) => new Request(path, { cache: hashed.test(path) ? "default" : "no-cache" }));
  event.waitUntil(caches.open(kept).then((cache) => cache.addAll(files)));
  skipWaiting();
});

addEventListener("activate", (event) => {
  const forget = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(prefix) && name !== kept).map((name) => caches.delete(name)));
    await clients.claim();
    // Pages that were opened with another build are told.
    for (const page of await clients.matchAll()) page.postMessage({ build });
  };
  event.waitUntil(forget());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (hashed.test(pathname)) event.respondWith(keptFirst(request));
  else if (shell.includes(pathname)) event.respondWith(serverFirst(request, pathname));
});

async function serverFirst(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const cache = await caches.open(kept);
    const found = await cache.match(path);
    if (found) return found;
    throw error;
  }
}

async function keptFirst(request) {
  const cache = await caches.open(kept);
  const found = await cache.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}
