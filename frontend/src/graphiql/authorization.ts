/** What the text in the Authorization box amounts to: nothing, a token to send, or something no server would take. */
export type Authorization =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string; readonly claims: TokenClaims }
  | { readonly kind: "malformed" };

/** Read from the token without checking its signature: fit for showing, never for deciding. */
export interface TokenClaims {
  readonly subject: string | null;
  readonly expiresAt: Date | null;
}

/**
 * Takes a token however it was copied: bare, with "Bearer ", as a whole header line, in quotes from a JSON answer,
 * or broken over lines by a terminal.
 */
export function readAuthorization(text: string): Authorization {
  const token = bareToken(text);
  if (token === "") return { kind: "none" };
  if (!TOKEN68.test(token)) return { kind: "malformed" };
  return { kind: "token", token, claims: readClaims(token) };
}

// RFC 6750, section 2.1: what may follow "Bearer". Anything else could make `fetch` throw instead of send.
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

function bareToken(text: string): string {
  return text
    .trim()
    .replace(/^authorization\s*:/i, "")
    .replace(/["',]/g, "")
    .trim()
    .replace(/^bearer(\s+|$)/i, "")
    .replace(/\s+/g, "");
}

function readClaims(token: string): TokenClaims {
  const { sub, exp } = jwtPayload(token);
  return {
    subject: typeof sub === "string" ? sub : null,
    expiresAt: typeof exp === "number" ? new Date(exp * 1000) : null,
  };
}

/** The claims of a JWT; none of them when the token is opaque, which is not an error: the server decides. */
function jwtPayload(token: string): Record<string, unknown> {
  const payload = token.split(".")[1] ?? "";
  try {
    const claims: unknown = JSON.parse(utf8FromBase64Url(payload));
    return typeof claims === "object" && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
}

function utf8FromBase64Url(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
