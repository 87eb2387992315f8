import { useState } from "react";

import type { Problems } from "./actionOutcome";
import { Field } from "./Field";

// As the API puts it when it refuses one.
const HINT = "At least 12 characters; a few words are fine.";

/** The new password, twice; both can be made visible. */
export function PasswordFields({ problems }: { problems: Problems }) {
  const [visible, setVisible] = useState(false);
  const common = { type: visible ? "text" : "password", autoComplete: "new-password" } as const;
  return (
    <>
      <Field label="New password" name="newPassword" hint={HINT} problem={problems["newPassword"]} {...common} />
      <Field label="New password again" name="repeated" problem={problems["repeated"]} {...common} />
      <label className="choice">
        <input type="checkbox" checked={visible} onChange={(event) => setVisible(event.target.checked)} />
        Show the passwords
      </label>
    </>
  );
}
