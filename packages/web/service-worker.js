/**
 * Opens the page when the server is away, so that what waits to be sent can be seen and added to. `build.js` writes before it what is built:
 *   build  names this build of the page, as its `<meta name="build">` does
 *   shell  the files without which the page cannot be drawn
 *
 * The server comes first: what is kept here is shown only when it does not answer, so nothing that is shown is older than what it has.
 * Files whose name is made from their content are the exception; they never change. Everything else is none of this worker's business:
 * /api and /ws are not looked at.
 *
 * A browser may take its time until it lets a new worker in. So the pages are told of it as soon as it has everything, and the worker
 * before it already shows what the new one has kept.
 */
/* global build, shell */
const prefix = "skep-";
const kept = `${prefix}${build}`;
const hashed = /^\/assets\/.+-[\w-]{8}\.\w+$/;

addEventListener("install", (event) => {
  const install = async () => {
    const cache = await caches.open(kept);
    // All or none. Past the browser's own cache, which may hold files of another build under the names that stay.
    await cache.addAll(shell.map((path) => new Request(path, { cache: hashed.test(path) ? "default" : "no-cache" })));
    for (const page of await clients.matchAll({ includeUncontrolled: true })) page.postMessage({ build });
  };
  event.waitUntil(install());
  skipWaiting();
});

addEventListener("activate", (event) => {
  const forgetOthers = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== kept);
    await Promise.all(names.map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(forgetOthers());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  // Whatever would frame the page is told by the server itself that it may not.
  if (request.mode === "navigate" && request.destination !== "document") return;
  if (hashed.test(pathname)) event.respondWith(keptFirst(request));
  else if (shell.includes(pathname)) event.respondWith(serverFirst(request, pathname));
});

/** From the newest build that is here as a whole. */
async function newest(path) {
  for (const name of (await caches.keys()).toReversed()) {
    const found = name.startsWith(prefix) ? await (await caches.open(name)).match(path) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** Asked for in this site's own name: a link on another site may lead here, but its request, passed on by a worker, looks like one of that site's. */
async function serverFirst(request, path) {
  try {
    return await fetch(path, { cache: request.cache });
  } catch (error) {
    const found = await newest(path);
    if (found) return found;
    throw error;
  }
}

async function keptFirst(request) {
  const found = await caches.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(kept);
    await cache.put(request, response.clone());
  }
  return response;
}
