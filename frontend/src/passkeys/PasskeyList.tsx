import { useEffect, useRef } from "react";

import { ActionForm } from "../account/ActionForm";
import type { ActionOutcome } from "../account/actionOutcome";
import { Field } from "../account/Field";
import { deviceName } from "./deviceName";
import { PasskeyItem } from "./PasskeyItem";
import { freeName, type MyPasskeys, type Passkey } from "./passkeys";

interface PasskeyListProps extends MyPasskeys {
  /** What has just been done. */
  readonly told: string;
  /** Whether this browser can make one. */
  readonly isAble: boolean;
  readonly add: (name: string) => Promise<ActionOutcome>;
  readonly remove: (passkey: Passkey) => Promise<ActionOutcome>;
}

export function PasskeyList({ passkeys, mfaEnabled, told, isAble, add, remove }: PasskeyListProps) {
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
      {!mfaEnabled && <p>{FIRST}</p>}
      {isAble ? (
        <ActionForm
          key={passkeys.length}
          button="Add a passkey"
          act={(fields) => add(String(fields.get("name")))}
          onEnd={() => {}}
        >
          {({ name }) => (
            <Field
              label="Name"
              name="name"
              type="text"
              autoComplete="off"
              hint="For you, to tell one from the other."
              defaultValue={freeName(deviceName(navigator.userAgent), passkeys)}
              maxLength={NAME_LENGTH}
              problem={name}
            />
          )}
        </ActionForm>
      ) : (
        <p>{UNABLE}</p>
      )}
    </>
  );
}

// As the API has it.
const NAME_LENGTH = 100;
const FIRST = "Your first one changes how you log in: from then on your password alone is not enough, and a passkey alone is.";
const UNABLE =
  "This browser cannot make one here. It is too old for that, or this page was opened without https or by a number instead of a name.";

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
