import { type ReactNode, useEffect, useRef } from "react";

import type { ActionOutcome } from "../account/actionOutcome";
import { PasskeyItem } from "./PasskeyItem";
import type { Passkey } from "./passkeys";

interface PasskeyListProps {
  readonly passkeys: readonly Passkey[];
  /** What has just been done. */
  readonly told: string;
  readonly remove: (passkey: Passkey) => Promise<ActionOutcome>;
  /** How another one is added. */
  readonly children: ReactNode;
}

export function PasskeyList({ passkeys, told, remove, children }: PasskeyListProps) {
  return (
    <>
      <Told text={told} />
      {passkeys.length === 0 && <p className="hint">There is none yet.</p>}
      <ul className="passkeys">
        {passkeys.map((passkey) => (
          <PasskeyItem
            key={passkey.id}
            passkey={passkey}
            isOnlyOne={passkeys.length === 1}
            remove={() => remove(passkey)}
          />
        ))}
      </ul>
      <h2>Add a passkey</h2>
      {children}
    </>
  );
}

/** Gets the focus, which was on what is not there any more. */
function Told({ text }: { text: string }) {
  const notice = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (text !== "") notice.current?.focus();
  }, [text]);
  return (
    <p ref={notice} className="told" role="status" tabIndex={-1}>
      {text}
    </p>
  );
}
