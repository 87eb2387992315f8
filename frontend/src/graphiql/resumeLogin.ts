import type { AuthorizationBox } from "./authorizationBox";
import type { LoginOutcome } from "../login/login";

/** After a reload: fills the box of who had logged in here, or forgets them if that has ended meanwhile. */
export async function resumeLogin(
  box: AuthorizationBox,
  resume: (email: string) => Promise<LoginOutcome>,
): Promise<void> {
  const { text, email } = box.read();
  if (text !== "" || email === null) return;
  const outcome = await resume(email);
  if (outcome.kind === "loggedIn") box.fill({ text: outcome.accessToken, email: outcome.email });
  if (outcome.kind === "refused") box.clear();
}
