import { type ReactNode, useEffect, useState } from "react";

import { type ActionOutcome, outcomeOf } from "../account/actionOutcome";
import resendVerificationEmail from "../account/operations/resend-verification-email.graphql?raw";
import { Section } from "../account/Section";
import type { Ask } from "../gateway";
import { logOut } from "../login/login";
import { type LoggedIn, LoginForm } from "../login/LoginForm";
import { makePasskey } from "../login/passkeyDialog";
import type { PasskeyPlace } from "../login/passkeyPlace";
import { AddPasskey } from "./AddPasskey";
import { AddressFirst } from "./AddressFirst";
import { PasskeyList } from "./PasskeyList";
import {
  addPasskey,
  confirmationNotice,
  type MyPasskeys,
  type Outcome,
  type Passkey,
  readPasskeys,
  removalNotice,
  removePasskey,
} from "./passkeys";
import { RecoveryCodes } from "./RecoveryCodes";

interface PasskeysPageProps {
  readonly place: PasskeyPlace;
  readonly ask: Ask;
}

type View =
  /** *why*: what a login is needed for again. */
  | { readonly kind: "login"; readonly why: string }
  | { readonly kind: "list"; readonly login: LoggedIn; readonly mine: MyPasskeys; readonly told: string }
  | { readonly kind: "codes"; readonly login: LoggedIn; readonly codes: readonly string[] }
  | { readonly kind: "loggedOut" };

const HEADING = "Your passkeys";
const UNABLE =
  "This browser cannot make one here. It is too old for that, or this page was opened without https or by a number instead of a name.";
// The page lets nobody add one else: the address was changed meanwhile.
const NOT_ADDED = "Nothing was added: your address is not confirmed any more.";
const LOGIN: View = { kind: "login", why: "" };

/** Where somebody adds and removes the passkeys of their account, by a login that ends with the visit. */
export function PasskeysPage({ place, ask }: PasskeysPageProps) {
  const [view, setView] = useState<View>(LOGIN);
  const login = "login" in view ? view.login : null;
  useEffect(() => {
    if (login === null) return;
    const leave = () => end(login, LOGIN);
    window.addEventListener("pagehide", leave);
    return () => window.removeEventListener("pagehide", leave);
  });

  function end({ accessToken, email }: LoggedIn, next: View): void {
    void logOut(accessToken, email, ask);
    setView(next);
  }

  /** *shown* stays where it is if there is no answer now. */
  async function show(as: LoggedIn, tell: (mine: MyPasskeys) => string, shown?: MyPasskeys): Promise<void> {
    const outcome = await readPasskeys(asking(as));
    if (outcome.kind === "refused" && shown !== undefined)
      return setView({ kind: "list", login: as, mine: shown, told: outcome.message });
    if (outcome.kind !== "done") return end(as, { kind: "login", why: outcome.message });
    const mine = outcome.value;
    setView({ kind: "list", login: { ...as, email: mine.email ?? as.email }, mine, told: tell(mine) });
  }

  function asking({ accessToken }: LoggedIn): Ask {
    return (query, variables) => ask(query, variables, accessToken);
  }

  async function add(as: LoggedIn, name: string): Promise<ActionOutcome> {
    const outcome = await addPasskey(name, makePasskey, asking(as));
    return judged(as, outcome, (codes) => {
      if (codes.length === 0) return show(as, () => `“${name}” is added.`);
      setView({ kind: "codes", login: as, codes });
    });
  }

  async function remove(as: LoggedIn, { id, name }: Passkey, before: MyPasskeys): Promise<ActionOutcome> {
    const outcome = await removePasskey(id, asking(as));
    return judged(as, outcome, () => show(as, (after) => removalNotice(name, before, after)));
  }

  async function judged<Value>(
    as: LoggedIn,
    outcome: Outcome<Value>,
    goOn: (value: Value) => Promise<void> | void,
  ): Promise<ActionOutcome> {
    if (outcome.kind === "refused") return outcome;
    if (outcome.kind === "done") await goOn(outcome.value);
    else if (outcome.kind === "addressNotConfirmed") await show(as, () => NOT_ADDED);
    else end(as, { kind: "login", why: outcome.message });
    return { kind: "accepted" };
  }

  function adding(as: LoggedIn, mine: MyPasskeys): ReactNode {
    if (place.kind !== "here") return <p>{UNABLE}</p>;
    if (mine.emailVerified) return <AddPasskey {...mine} add={(name) => add(as, name)} />;
    return (
      <AddressFirst
        sendMail={() => outcomeOf(resendVerificationEmail, { email: as.email }, ask)}
        onSent={() => setView({ kind: "list", login: as, mine, told: `A mail to ${as.email} is on its way.` })}
        onConfirmed={() => void show(as, confirmationNotice, mine)}
      />
    );
  }

  if (place.kind === "elsewhere") return <Elsewhere {...place} />;
  switch (view.kind) {
    case "login":
      return (
        <Section
          heading="Log in to see your passkeys"
          text="A passkey logs you in by fingerprint, face or the PIN of a device, without a password."
        >
          <p className="problem" role="alert">
            {view.why}
          </p>
          <LoginForm
            ask={ask}
            button="Log in"
            hint={<a href="/account/reset-password">Forgot your password?</a>}
            onLogin={(loggedIn) => void show(loggedIn, () => "")}
          />
        </Section>
      );
    case "list":
      return (
        <Section heading={HEADING} text={`You are logged in as ${view.login.email}.`}>
          <PasskeyList
            passkeys={view.mine.passkeys}
            told={view.told}
            remove={(passkey) => remove(view.login, passkey, view.mine)}
          >
            {adding(view.login, view.mine)}
          </PasskeyList>
          <button type="button" className="quiet" onClick={() => end(view.login, { kind: "loggedOut" })}>
            Done
          </button>
        </Section>
      );
    case "codes":
      return <RecoveryCodes codes={view.codes} onKept={() => void show(view.login, () => "Your passkey is added.")} />;
    case "loggedOut":
      return <Section heading="You are logged out" text="You can close this page." />;
  }
}

function Elsewhere({ url }: { url: string }) {
  return (
    <Section
      heading={HEADING}
      text={`Browsers have passkeys only where an address is a name, and ${window.location.hostname} is none. This page is also at`}
    >
      <p>
        <a href={url}>{url}</a>
      </p>
    </Section>
  );
}
