import { useState } from "react";

import type { Ask } from "../gateway";
import { logOut } from "../login/login";
import { LoginForm } from "../login/LoginForm";
import type { Refusal } from "./actionOutcome";

interface LoginFirstProps<Outcome> {
  readonly button: string;
  readonly ask: Ask;
  /** Done as whoever has logged in: *ask* sends *token* along. */
  readonly act: (token: string, ask: Ask) => Promise<Outcome | Refusal>;
  /** Gets how it ended, unless it was refused: that is said here, and can be tried again. */
  readonly onEnd: (outcome: Outcome) => void;
}

/** A login that is for one action only, and ends with it. */
export function LoginFirst<Outcome extends { readonly kind: string }>({
  button,
  ask,
  act,
  onEnd,
}: LoginFirstProps<Outcome>) {
  const [refusal, setRefusal] = useState("");

  async function actAs(token: string, email: string): Promise<void> {
    setRefusal("");
    const outcome = await act(token, (query, variables) => ask(query, variables, token));
    await logOut(token, email, ask);
    if (isRefusal(outcome)) setRefusal(outcome.message);
    else onEnd(outcome);
  }

  return (
    <>
      <LoginForm
        ask={ask}
        button={button}
        hint={null}
        onLogin={({ accessToken, email }) => void actAs(accessToken, email)}
      />
      <p className="problem" role="alert">
        {refusal}
      </p>
    </>
  );
}

function isRefusal(outcome: { readonly kind: string }): outcome is Refusal {
  return outcome.kind === "refused";
}
