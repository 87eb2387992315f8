import { useId } from "react";

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type: "email" | "password" | "text";
  readonly autoComplete: string;
  readonly defaultValue?: string;
  readonly maxLength?: number;
  readonly hint?: string;
  readonly problem: string | undefined;
}

/** A labelled input with what to put into it, and, after a refusal, what was wrong with it. */
export function Field({ label, hint, problem, ...input }: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const problemId = `${id}-problem`;
  const described = [hint && hintId, problem && problemId].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={hintId} className="hint">
          {hint}
        </p>
      )}
      <input
        id={id}
        required
        spellCheck={false}
        autoCapitalize="none"
        aria-describedby={described || undefined}
        aria-invalid={problem !== undefined}
        {...input}
      />
      {problem && (
        <p id={problemId} className="problem">
          {problem}
        </p>
      )}
    </div>
  );
}
