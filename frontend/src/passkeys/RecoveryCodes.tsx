import { useState } from "react";

import { Section } from "../account/Section";

interface RecoveryCodesProps {
  readonly codes: readonly string[];
  readonly onKept: () => void;
}

/** The codes, this once. */
export function RecoveryCodes({ codes, onKept }: RecoveryCodesProps) {
  const [copied, setCopied] = useState("");

  async function copy(): Promise<void> {
    setCopied(await outcomeOfCopying(codes.join("\n")));
  }

  return (
    <Section
      heading="Keep your recovery codes"
      text="Your passkey is added, and your password alone does not log you in any more. Should you lose all passkeys, each of these codes does once, with your password."
    >
      <p className="warning">
        They are shown this once. Print them, or put them where you keep passwords, before you go on.
      </p>
      <ul className="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" className="quiet" onClick={() => void copy()}>
        Copy the codes
      </button>
      <p className="told" role="status">
        {copied}
      </p>
      <button type="button" onClick={onKept}>
        I have kept them
      </button>
    </Section>
  );
}

async function outcomeOfCopying(text: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return "They are copied.";
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return "The browser does not let this page copy: select the codes, and copy them yourself.";
  }
}
