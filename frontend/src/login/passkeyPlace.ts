/** Where passkeys can be used: browsers want a domain name, and https unless it is `localhost`. */
export type PasskeyPlace =
  | { readonly kind: "here" }
  /** *url*: this page by a name of this machine that browsers take. */
  | { readonly kind: "elsewhere"; readonly url: string; readonly host: string }
  | { readonly kind: "nowhere" };

/** That of the page that is open. */
export function passkeyPlace(): PasskeyPlace {
  return placeAt(window.location.href, hasPasskeys());
}

/** *isAble*: whether the browser has what passkeys need, at this address or at another one. */
export function placeAt(href: string, isAble: boolean): PasskeyPlace {
  const url = new URL(href);
  if (!isAble) return { kind: "nowhere" };
  if (!IP_ADDRESS.test(url.hostname)) return { kind: "here" };
  if (!THIS_MACHINE.test(url.hostname)) return { kind: "nowhere" };
  url.hostname = "localhost";
  return { kind: "elsewhere", url: url.href, host: url.host };
}

// As URLs have them: an address of IPv6 in brackets, one of IPv4 always as four numbers.
const IP_ADDRESS = /^\[.*\]$|^\d+\.\d+\.\d+\.\d+$/;
const THIS_MACHINE = /^\[::1\]$|^127\./;

/** Browsers before 2025 have passkeys, but leave it to pages to take the options apart. */
function hasPasskeys(): boolean {
  return "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}
