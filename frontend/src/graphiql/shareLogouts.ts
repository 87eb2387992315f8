import { claimsIn } from "./authorization";
import type { AuthorizationBox } from "./authorizationBox";

/**
 * Empties the box when the login in it was ended in another tab. Gives a function that tells the others of one that is
 * ended here, by the token in *text*; what goes over *channel* is the session's id, no token.
 */
export function shareLogouts(box: AuthorizationBox, channel: BroadcastChannel): (text: string) => void {
  channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (data === sessionOf(box.read().text)) box.clear();
  });
  return (text) => {
    const session = sessionOf(text);
    if (session !== null) channel.postMessage(session);
  };
}

function sessionOf(text: string): string | null {
  return claimsIn(text)?.session ?? null;
}
