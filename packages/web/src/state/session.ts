/** A server that is slow may still be there: the connection says more. */
const answerMs = 5000;
const fragment = /^#signin=(.+)$/;

/** Trades the token in the address for a cookie, and takes it out of the address and the history. @returns why it did not work */
export async function signInFromAddress(): Promise<string | null> {
  const token = fragment.exec(location.hash)?.[1];
  if (token === undefined) return null;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    const response = await fetch("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json", "skep-request": "1" },
      body: JSON.stringify({ token: decodeURIComponent(token) }),
    });
    if (response.ok) return null;
    const problem = (await response.json()) as { detail?: string };
    return problem.detail ?? "This link does not work any more.";
  } catch {
    return "The server did not answer. Open the link again.";
  }
}

/** @returns true also when nobody answers: the page then says that it is reconnecting */
export async function isSignedIn(): Promise<boolean> {
  try {
    const response = await fetch("/api/session", { signal: AbortSignal.timeout(answerMs) });
    // A body that is not read keeps its connection.
    await response.arrayBuffer();
    return response.status !== 401 && response.status !== 403;
  } catch {
    return true;
  }
}

export async function signOut(): Promise<void> {
  await fetch("/api/session", { method: "DELETE", headers: { "content-type": "application/json", "skep-request": "1" }, body: "{}" }).catch(
    () => {},
  );
  location.reload();
}
