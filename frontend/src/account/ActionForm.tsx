import { type ReactNode, useEffect, useRef, useState } from "react";

import type { ActionOutcome, Problems, Refusal } from "./actionOutcome";

interface ActionFormProps {
  readonly button: string;
  readonly act: (fields: FormData) => Promise<ActionOutcome>;
  /** Gets how it ended, unless it was refused: that is said here, and can be tried again. */
  readonly onEnd: (outcome: "accepted" | "dead") => void;
  readonly children?: (problems: Problems) => ReactNode;
}

/** Fields, one button, and what came of pressing it. */
export function ActionForm({ button, act, onEnd, children }: ActionFormProps) {
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [waiting, setWaiting] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus(), [refused]);

  async function submit(fields: FormData): Promise<void> {
    if (waiting) return;
    setWaiting(true);
    setRefused(null);
    const outcome = await act(fields);
    setWaiting(false);
    if (outcome.kind === "refused") setRefused(outcome);
    else onEnd(outcome.kind);
  }

  return (
    <form
      ref={form}
      // Not a form action: React would empty the fields after a refusal, too.
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      {children?.(refused?.problems ?? {})}
      <p className="problem" role="alert">
        {refused?.message}
      </p>
      {/* Not `disabled`, which would take the focus away. */}
      <button type="submit" aria-disabled={waiting}>
        {button}
      </button>
    </form>
  );
}
