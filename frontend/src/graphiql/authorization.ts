/** What the text in the Authorization box amounts to: nothing, a token to send, or something no server would take. */
export type Authorization =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string; readonly claims: TokenClaims | null }
  | { readonly kind: "malformed" };

/** Read from an access token without checking its signature: fit for showing, never for deciding. */
export interface TokenClaims {
  readonly subject: string;
  readonly expiresAt: Date;
  /** Milliseconds from the beginning to the end; null where the token does not tell. */
  readonly lifeMs: number | null;
  /** The login that the token belongs to. */
  readonly session: string | null;
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

/** The claims in *text*, as far as it is a token that has some. */
export function claimsIn(text: string): TokenClaims | null {
  const authorization = readAuthorization(text);
  return authorization.kind === "token" ? authorization.claims : null;
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

/** Null where the token is not, or no longer, one of our access tokens. It is sent all the same: the server decides. */
function readClaims(token: string): TokenClaims | null {
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  const { alg } = jsonObject(header);
  const { sub, exp, iat, sid } = jsonObject(payload);
  const whole = rest.length === 0 && alg === "ES256" && signature.length === ES256_SIGNATURE_LENGTH;
  if (!whole || typeof sub !== "string" || typeof exp !== "number") return null;
  return {
    subject: sub,
    expiresAt: new Date(exp * 1000),
    lifeMs: typeof iat === "number" ? (exp - iat) * 1000 : null,
    session: typeof sid === "string" ? sid : null,
  };
}

// RFC 7518, section 3.4: 64 bytes, here as base64url. A token that was not copied to its end has fewer.
const ES256_SIGNATURE_LENGTH = 86;

/** The object that a part of a JWT holds; an empty one when it holds none. */
function jsonObject(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(utf8FromBase64Url(part));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function utf8FromBase64Url(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
