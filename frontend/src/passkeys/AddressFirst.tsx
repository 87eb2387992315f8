import { ActionForm } from "../account/ActionForm";
import type { ActionOutcome } from "../account/actionOutcome";

interface AddressFirstProps {
  readonly sendMail: () => Promise<ActionOutcome>;
  readonly onSent: () => void;
  readonly onConfirmed: () => void;
}

/** What comes before another passkey: an address that is confirmed. */
export function AddressFirst({ sendMail, onSent, onConfirmed }: AddressFirstProps) {
  return (
    <>
      <p>{WHY}</p>
      <ActionForm button="Send me a new mail" act={sendMail} onEnd={onSent} />
      <button type="button" className="quiet" onClick={onConfirmed}>
        I have confirmed it
      </button>
    </>
  );
}

const WHY =
  "First confirm your e-mail address, by the link in a mail that is sent to it: so no stranger who gives your address keeps a passkey there. If you find no such mail, have a new one sent to you.";
