/**
 * The token in the fragment of a mailed link: `#token=…`. A fragment is sent to no server and stands in no Referer.
 *
 * Null where there is none. What a mail program has drawn into the link behind the token (a full stop, a bracket) is none of it.
 */
export function mailedToken(fragment: string): string | null {
  return /^#token=([\w-]+)/.exec(fragment)?.[1] ?? null;
}
