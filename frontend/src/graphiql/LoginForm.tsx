import { useId, useState } from "react";

import { askAnonymously } from "./gateway";
import { logIn, type LoginOutcome } from "./login";

type LoggedIn = Extract<LoginOutcome, { kind: "loggedIn" }>;

/** Runs the login mutation with an e-mail address and a password; *onLogin* gets the token. */
export function LoginForm({ onLogin }: { onLogin: (login: LoggedIn) => void }) {
  const [refusal, setRefusal] = useState<string | null>(null);
  const [waiting, setWaiting] = useState(false);

  async function submit(fields: FormData): Promise<void> {
    setRefusal(null);
    setWaiting(true);
    const outcome = await logIn(
      { email: field(fields, "email"), password: field(fields, "password") },
      askAnonymously,
    );
    setWaiting(false);
    if (outcome.kind === "loggedIn") onLogin(outcome);
    else setRefusal(outcome.message);
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
      <Field label="E-mail" name="email" type="email" autoComplete="username" />
      <Field label="Password" name="password" type="password" autoComplete="current-password" />
      <button type="submit" className="primary" disabled={waiting}>
        Log in
      </button>
      {refusal === null ? (
        <p className="hint">
          Fills the box above. Or run the <code>login</code> mutation and paste its <code>accessToken</code>.
        </p>
      ) : (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type: "email" | "password";
  readonly autoComplete: string;
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
