/** An access token as it looks to a page, which does not check the signature; for tests. */
export function jwt(claims: object, header: object = { alg: "ES256" }): string {
  return `${base64Url(header)}.${base64Url(claims)}.${"s".repeat(86)}`;
}

function base64Url(value: object): string {
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
