import { type ReactNode, useId, useState } from "react";

import type { Ask } from "../gateway";
import { type Challenge, completeMfa, logIn, type LoginOutcome } from "./login";

type LoggedIn = Extract<LoginOutcome, { kind: "loggedIn" }>;

interface LoginFormProps {
  readonly ask: Ask;
  readonly button: string;
  /** What is said below the password. */
  readonly hint: ReactNode;
  readonly onLogin: (login: LoggedIn) => void;
}

/** Asks for e-mail address and password, then for a code if the account has a second factor; *onLogin* gets the token. */
export function LoginForm({ ask, button, hint, onLogin }: LoginFormProps) {
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [waiting, setWaiting] = useState(false);

  async function submit(fields: FormData): Promise<void> {
    setRefusal(null);
    setWaiting(true);
    const outcome = await answered(fields, challenge, ask);
    setWaiting(false);
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

  return (
    <form
      className="login-form"
      // Not a form action: React would empty the fields after a refusal, too.
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      {challenge === null ? <PasswordFields /> : <CodeField />}
      <button type="submit" className="primary" disabled={waiting}>
        {button}
      </button>
      {challenge !== null && (
        <button
          type="button"
          onClick={() => {
            setChallenge(null);
            setRefusal(null);
          }}
        >
          Start again
        </button>
      )}
      {refusal === null ? (
        <p className="hint">{challenge === null ? hint : CODE_HINT}</p>
      ) : (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}

const CODE_HINT = "The six digits that your authenticator app shows, or one of your recovery codes.";

function answered(fields: FormData, challenge: Challenge | null, ask: Ask): Promise<LoginOutcome> {
  if (challenge !== null) return completeMfa(challenge, field(fields, "code"), ask);
  return logIn({ email: field(fields, "email"), password: field(fields, "password") }, ask);
}

function PasswordFields() {
  return (
    <>
      <Field label="E-mail" name="email" type="email" autoComplete="username" />
      <Field label="Password" name="password" type="password" autoComplete="current-password" />
    </>
  );
}

function CodeField() {
  return <Field label="Code" name="code" type="text" autoComplete="one-time-code" autoFocus />;
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
