import { type ReactNode, useId, useState } from "react";

import type { Ask } from "../gateway";
import { challengeHint, takesCode } from "./challengeHint";
import {
  type Challenge,
  completeMfa,
  completeMfaByPasskey,
  logIn,
  logInByPasskey,
  type LoginOutcome,
} from "./login";
import { showPasskeys } from "./passkeyDialog";
import { passkeyPlace } from "./passkeyPlace";

export type LoggedIn = Extract<LoginOutcome, { kind: "loggedIn" }>;

interface LoginFormProps {
  readonly ask: Ask;
  readonly button: string;
  /** What is said below the password. */
  readonly hint: ReactNode;
  readonly onLogin: (login: LoggedIn) => void;
}

/**
 * Asks for e-mail address and password, then for what else the account has, a code or a passkey; or for a passkey alone.
 * *onLogin* gets the token.
 */
export function LoginForm({ ask, button, hint, onLogin }: LoginFormProps) {
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [waiting, setWaiting] = useState(false);

  async function run(login: () => Promise<LoginOutcome>): Promise<void> {
    if (waiting) return;
    setRefusal(null);
    setWaiting(true);
    const outcome = await login().finally(() => setWaiting(false));
    switch (outcome.kind) {
      case "loggedIn":
        setChallenge(null);
        return onLogin(outcome);
      case "challenged":
        return setChallenge(outcome.challenge);
      case "refused":
      case "unavailable":
        return setRefusal(outcome.message);
    }
  }

  function startAgain(): void {
    setChallenge(null);
    setRefusal(null);
  }

  return (
    <form
      className="login-form"
      // Not a form action: React would empty the fields after a refusal, too.
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        void run(() => answered(fields, challenge, ask));
      }}
    >
      {challenge === null ? (
        <FirstFactor
          button={button}
          waiting={waiting}
          onPasskey={() => void run(() => logInByPasskey(showPasskeys, ask))}
        />
      ) : (
        <SecondFactor
          button={button}
          methods={challenge.methods}
          waiting={waiting}
          onPasskey={() => void run(() => completeMfaByPasskey(challenge, showPasskeys, ask))}
          onStartAgain={startAgain}
        />
      )}
      {refusal === null ? (
        <p className="hint">{challenge === null ? hint : challengeHint(challenge.methods, isHere())}</p>
      ) : (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
      {(challenge === null || challenge.methods.includes("PASSKEY")) && <PasskeysElsewhere />}
    </form>
  );
}

function answered(fields: FormData, challenge: Challenge | null, ask: Ask): Promise<LoginOutcome> {
  if (challenge !== null) return completeMfa(challenge, field(fields, "code"), ask);
  return logIn({ email: field(fields, "email"), password: field(fields, "password") }, ask);
}

interface FactorProps {
  readonly button: string;
  readonly waiting: boolean;
  readonly onPasskey: () => void;
}

function FirstFactor({ button, waiting, onPasskey }: FactorProps) {
  return (
    <>
      <Field label="E-mail" name="email" type="email" autoComplete="username" />
      <Field label="Password" name="password" type="password" autoComplete="current-password" />
      {/* Not `disabled`, which would take the focus away. */}
      <button type="submit" className="primary" aria-disabled={waiting}>
        {button}
      </button>
      {isHere() && (
        <button type="button" aria-disabled={waiting} onClick={onPasskey}>
          Log in with a passkey
        </button>
      )}
    </>
  );
}

interface SecondFactorProps extends FactorProps {
  readonly methods: Challenge["methods"];
  readonly onStartAgain: () => void;
}

function SecondFactor({ button, methods, waiting, onPasskey, onStartAgain }: SecondFactorProps) {
  const takesPasskey = methods.includes("PASSKEY") && isHere();
  return (
    <>
      {takesPasskey && (
        <button type="button" className="primary" aria-disabled={waiting} autoFocus onClick={onPasskey}>
          Use a passkey
        </button>
      )}
      {takesCode(methods) && (
        <>
          <Field label="Code" name="code" type="text" autoComplete="one-time-code" autoFocus={!takesPasskey} />
          <button type="submit" className={takesPasskey ? "" : "primary"} aria-disabled={waiting}>
            {button}
          </button>
        </>
      )}
      <button type="button" onClick={onStartAgain}>
        Start again
      </button>
    </>
  );
}

/** Where passkeys can be used, if that is not here. */
function PasskeysElsewhere() {
  const place = passkeyPlace();
  if (place.kind !== "elsewhere") return null;
  return (
    <p className="hint">
      Passkeys work at <a href={place.url}>{place.host}</a>.
    </p>
  );
}

function isHere(): boolean {
  return passkeyPlace().kind === "here";
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type: "email" | "password" | "text";
  readonly autoComplete: string;
  readonly autoFocus?: boolean;
}

function Field({ label, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} required {...input} />
    </div>
  );
}

function field(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}
