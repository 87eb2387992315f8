import { ActionForm } from "../account/ActionForm";
import type { ActionOutcome } from "../account/actionOutcome";
import { Field } from "../account/Field";
import { deviceName } from "./deviceName";
import { freeName, type MyPasskeys } from "./passkeys";

interface AddPasskeyProps extends Pick<MyPasskeys, "passkeys" | "mfaEnabled"> {
  readonly add: (name: string) => Promise<ActionOutcome>;
}

export function AddPasskey({ passkeys, mfaEnabled, add }: AddPasskeyProps) {
  return (
    <>
      {!mfaEnabled && <p>{FIRST}</p>}
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
    </>
  );
}

// As the API has it.
const NAME_LENGTH = 100;
const FIRST = "Your first one changes how you log in: from then on your password alone is not enough, and a passkey alone is.";
