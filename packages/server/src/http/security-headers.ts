/** On every answer. Nothing may embed, sniff or share what comes from here. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
};

/** Where the way is encrypted: browsers do not try another one for a year. */
export const encryptedHeaders: Readonly<Record<string, string>> = { "strict-transport-security": "max-age=31536000" };

/**
 * What the page may load: its own files, and nothing else from anywhere. There is no inline script and no inline style, and no string
 * becomes markup or code: with Trusted Types required, the browser itself refuses (R-B9). The one type that is allowed makes the address of the
 * service worker and nothing else (packages/web/src/state/installed.ts), and can be made only once. Beside it goes
 * `x-dns-prefetch-control: off`: a name in a link of a message is not even looked up before somebody follows it.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types skep-worker",
].join("; ");

/** The service worker fetches the page's files, and loads nothing else. */
export const workerPolicy = "default-src 'none'; connect-src 'self'";
