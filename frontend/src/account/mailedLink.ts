import type { Ask } from "../gateway";
import { type ActionOutcome, outcomeOf, refusal } from "./actionOutcome";
import confirmEmailChange from "./operations/confirm-email-change.graphql?raw";
import requestPasswordReset from "./operations/request-password-reset.graphql?raw";
import resendVerificationEmail from "./operations/resend-verification-email.graphql?raw";
import resetPassword from "./operations/reset-password.graphql?raw";
import verifyEmail from "./operations/verify-email.graphql?raw";
import type { Said } from "./Section";

/** A kind of mailed link: what its page says, what is done with the token, and how another mail is had. */
export interface MailedLink {
  readonly heading: string;
  readonly lead: string;
  readonly button: string;
  /** What the token alone is not enough for. */
  readonly wants: "nothing" | "password" | "login";
  /** *ask* does so as whoever had to log in, if somebody had to. */
  readonly act: (token: string, fields: FormData, ask: Ask) => Promise<ActionOutcome>;
  readonly done: Said;
  readonly dead: Said;
  /** What the page is for where it was opened without a link. */
  readonly noLink: Said;
  /** Null: it is asked for elsewhere. */
  readonly askForMail: ((fields: FormData, ask: Ask) => Promise<ActionOutcome>) | null;
}

const DEAD: Said = {
  heading: "This link does not work any more",
  text: "It was used already, it is too old, a newer mail has replaced it, or it was not copied whole. If you used it yourself, all is well: log in. Else have a new one sent to you.",
};

const SET_PASSWORD = {
  button: "Set the password",
  wants: "password",
  act: setPassword,
  dead: DEAD,
  noLink: {
    heading: "Forgot your password?",
    text: "Say which address your account has. You get a mail with a link that sets a new password.",
  },
  askForMail: (fields: FormData, ask: Ask) => mail(requestPasswordReset, fields, ask),
} as const;

/** By the name of the page, which is the last part of its address, too. */
export const MAILED_LINKS: Readonly<Record<string, MailedLink>> = {
  "verify-email": {
    heading: "Confirm your e-mail address",
    lead: "Somebody, probably you, gave this e-mail address to an account here. If it was you, confirm it.",
    // Not done at once: programs that look at mails open the links in them.
    button: "Confirm the address",
    wants: "nothing",
    act: (token, _fields, ask) => outcomeOf(verifyEmail, { token }, ask),
    done: {
      heading: "Your address is confirmed",
      text: "You can log in now, and close this page. If somebody else opened the account, ask for a new password: setting it logs them out.",
    },
    dead: DEAD,
    noLink: {
      heading: "Do you need another mail?",
      text: "Say which address is to be confirmed. You get a mail with a new link.",
    },
    askForMail: (fields, ask) => mail(resendVerificationEmail, fields, ask),
  },
  "reset-password": {
    ...SET_PASSWORD,
    heading: "Set a new password",
    lead: "All who are logged in to your account are logged out then, you too.",
    done: { heading: "Your new password is set", text: "Log in with it; the old one is good for nothing any more." },
  },
  "accept-invitation": {
    ...SET_PASSWORD,
    heading: "Set the password of your account",
    lead: "An account was made for you. Choose the password that you will log in with.",
    done: { heading: "Your account is ready", text: "Log in with your e-mail address and the password you have just set." },
  },
  "claim-account": {
    ...SET_PASSWORD,
    heading: "Make the account of your address yours",
    lead: "Somebody opened an account with your address and never confirmed it. Once you set a password it is yours, and all who are logged in to it are logged out.",
    done: { heading: "The account is yours", text: "Log in with your e-mail address and the password you have just set." },
  },
  "confirm-email-change": {
    heading: "Confirm your new e-mail address",
    // Else whoever gets the mail by mistake could make the account theirs.
    lead: "Log in once more, with the address that your account has so far. Then the new one takes its place, and other devices are logged out.",
    button: "Log in and confirm",
    wants: "login",
    act: (token, _fields, ask) => outcomeOf(confirmEmailChange, { token }, ask),
    done: { heading: "Your e-mail address is changed", text: "Log in with the new one from now on." },
    dead: {
      heading: "This link does not work",
      text: "It was used already, it is too old, a newer mail has replaced it, it was not copied whole, or it is for another account. If you used it yourself, all is well: log in with the new address. Else log in and ask for the change again.",
    },
    noLink: {
      heading: "There is nothing to confirm here",
      text: "Open the link in the mail that was sent to your new address.",
    },
    askForMail: null,
  },
};

async function setPassword(token: string, fields: FormData, ask: Ask): Promise<ActionOutcome> {
  const newPassword = fields.get("newPassword");
  if (newPassword !== fields.get("repeated")) return refusal("", { repeated: "This is not the same password." });
  return outcomeOf(resetPassword, { input: { token, newPassword } }, ask);
}

function mail(mutation: string, fields: FormData, ask: Ask): Promise<ActionOutcome> {
  return outcomeOf(mutation, { email: fields.get("email") }, ask);
}
