import { useState } from "react";

import type { Ask } from "../gateway";
import { logOut } from "../login/login";
import { LoginForm } from "../login/LoginForm";
import type { ActionOutcome } from "./actionOutcome";

interface LoginFirstProps {
  readonly button: string;
  readonly ask: Ask;
  /** Done as whoever has logged in. */
  readonly act: (ask: Ask) => Promise<ActionOutcome>;
  readonly onEnd: (outcome: "accepted" | "dead") => void;
}

/** A login that is for one action only, and ends with it. */
export function LoginFirst({ button, ask, act, onEnd }: LoginFirstProps) {
  const [refusal, setRefusal] = useState("");

  async function actAs(token: string, email: string): Promise<void> {
    setRefusal("");
    const outcome = await act((query, variables) => ask(query, variables, token));
    await logOut(token, email, ask);
    if (outcome.kind === "refused") setRefusal(outcome.message);
    else onEnd(outcome.kind);
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
